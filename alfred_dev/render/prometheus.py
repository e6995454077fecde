"""Plan -> prometheus.yml and its rules: scrape every service of ours that exposes metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alfred_dev.catalog.model import ProbeKind, Tier
from alfred_dev.hostnames import DASHBOARD
from alfred_dev.plan import LOOPBACK, Endpoint, Plan, PlannedService
from alfred_dev.render import alerts
from alfred_dev.render.gateway.world import FIGURES, GATEWAY
from alfred_dev.render.pace import Pace
from alfred_dev.render.text import yaml_text
from alfred_dev.workspace import Artifact

STATISTICS = "/stats/prometheus"
EXPOSING_TIERS = (Tier.PUBLIC, Tier.APPLICATION)


def from_here(service: PlannedService) -> str:
    """Return where a process on this machine finds ``service``."""
    return f"{LOOPBACK}:{service.endpoints[0].port}"


def render(
    plan: Plan, pace: Pace, address: Callable[[PlannedService], str] = from_here
) -> tuple[Artifact, ...]:
    """Return the scrape configuration; the platform's services all have /metrics.

    ``address``: ``host:port`` of a service as Prometheus sees it.
    """
    jobs = [
        _job(service.id, address(service))
        for service in sorted(plan.services, key=lambda s: s.id)
        if service.definition.tier in EXPOSING_TIERS
        and any(e.probe is ProbeKind.HTTP for e in service.endpoints[:1])
    ]
    jobs += _helpers(plan) if address is from_here else _contained(plan)
    document = {
        "global": {"scrape_interval": pace.interval, "evaluation_interval": pace.interval},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }
    scrape = Artifact("prometheus/prometheus.yml", yaml_text(document))
    return (scrape, alerts.render(plan, pace))


def _contained(plan: Plan) -> list[dict[str, Any]]:
    """Return the jobs of a gateway in the same network, and of the dashboard behind it."""
    found = next((s for s in plan.contained if s.id == GATEWAY), None)
    if found is None:
        return []
    target = f"{GATEWAY}:{statistics(found).container_port}"
    jobs = [_gateway(target)]
    if DASHBOARD in plan.ids:
        jobs.append({**_job(DASHBOARD, target), "metrics_path": FIGURES, "honor_labels": True})
    return jobs


def _helpers(plan: Plan) -> list[dict[str, Any]]:
    """Return the jobs of our own helpers on this machine, which only its own processes reach."""
    jobs = []
    if DASHBOARD in plan.ids:
        # What it says is about services, and has their names already.
        job = _job(DASHBOARD, from_here(plan[DASHBOARD]))
        jobs.append({**job, "honor_labels": True})
    if GATEWAY in plan.ids:
        jobs.append(_gateway(f"{LOOPBACK}:{statistics(plan[GATEWAY]).port}"))
    return jobs


def _gateway(target: str) -> dict[str, Any]:
    return {**_job(GATEWAY, target), "metrics_path": STATISTICS}


def statistics(gateway: PlannedService) -> Endpoint:
    """Return where the gateway says what passes it, under ``STATISTICS``."""
    return next(e for e in gateway.endpoints if e.path == "/ready")


def _job(name: str, target: str) -> dict[str, Any]:
    static = {"targets": [target], "labels": {"service": name}}
    return {"job_name": name, "static_configs": [static]}
