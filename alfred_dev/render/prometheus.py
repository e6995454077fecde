"""Plan -> prometheus.yml and its rules: scrape every service of ours that exposes metrics."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from alfred_dev.catalog.model import ProbeKind, Tier
from alfred_dev.plan import LOOPBACK, Plan, PlannedService
from alfred_dev.render import alerts
from alfred_dev.workspace import Artifact

EXPOSING_TIERS = (Tier.PUBLIC, Tier.APPLICATION)


def from_here(service: PlannedService) -> str:
    """Return where a process on this machine finds ``service``."""
    return f"{LOOPBACK}:{service.endpoints[0].port}"


def render(
    plan: Plan, address: Callable[[PlannedService], str] = from_here
) -> tuple[Artifact, ...]:
    """Return the scrape configuration; the platform's services all have /metrics.

    ``address``: ``host:port`` of a service as Prometheus sees it.
    """
    jobs = [
        {
            "job_name": service.id,
            "static_configs": [{"targets": [address(service)], "labels": {"service": service.id}}],
        }
        for service in sorted(plan.services, key=lambda s: s.id)
        if service.definition.tier in EXPOSING_TIERS
        and service.endpoints[0].probe is ProbeKind.HTTP
    ]
    document = {
        # Every second somebody looks at what just happened; a scrape costs a few milliseconds.
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }
    scrape = Artifact("prometheus/prometheus.yml", yaml.safe_dump(document, sort_keys=False))
    return (scrape, alerts.render(plan))
