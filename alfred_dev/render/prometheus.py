"""Plan -> prometheus.yml: scrape every service of ours that exposes metrics, in name order."""

from __future__ import annotations

import yaml

from alfred_dev.catalog.model import ProbeKind, Tier
from alfred_dev.plan import LOOPBACK, Plan
from alfred_dev.workspace import Artifact

EXPOSING_TIERS = (Tier.PUBLIC, Tier.APPLICATION)


def render(plan: Plan) -> tuple[Artifact, ...]:
    """Return the scrape configuration; the platform's services all have /metrics."""
    jobs = [
        {
            "job_name": service.id,
            "static_configs": [{"targets": [f"{LOOPBACK}:{service.endpoints[0].port}"]}],
        }
        for service in sorted(plan.services, key=lambda s: s.id)
        if service.definition.tier in EXPOSING_TIERS
        and service.endpoints[0].probe is ProbeKind.HTTP
    ]
    document = {"global": {"scrape_interval": "15s"}, "scrape_configs": jobs}
    return (Artifact("prometheus/prometheus.yml", yaml.safe_dump(document, sort_keys=False)),)
