"""Plan -> prometheus.yml and its rules: scrape every service of ours that exposes metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alfred_dev.catalog.model import Tier
from alfred_dev.hostnames import DASHBOARD
from alfred_dev.plan import LOOPBACK, Endpoint, Plan, PlannedService, Source
from alfred_dev.render import alerts
from alfred_dev.render.gateway.world import FIGURES, GATEWAY
from alfred_dev.render.pace import Pace
from alfred_dev.render.text import yaml_text
from alfred_dev.workspace import Artifact

STATISTICS = "/stats/prometheus"
PATH = "/metrics"
EXPOSING_TIERS = (Tier.PUBLIC, Tier.APPLICATION)


def from_here(service: PlannedService, endpoint: Endpoint) -> str:
    """Return where a process on this machine finds one port of ``service``."""
    return f"{LOOPBACK}:{endpoint.port}"


def render(
    plan: Plan,
    pace: Pace,
    address: Callable[[PlannedService, Endpoint], str] = from_here,
    sources: Mapping[str, Source] | None = None,
) -> tuple[Artifact, ...]:
    """Return the scrape configuration of every service that tells figures of its own.

    ``address``: ``host:port`` of a service as Prometheus sees it; ``sources``: where services come
    from, where that is not what the plan says.
    """
    jobs = [
        _job(service.id, address(service, endpoint), path)
        for service in sorted(plan.services, key=lambda s: s.id)
        for endpoint, path in exposed(service, (sources or {}).get(service.id, service.source))
    ]
    jobs += _helpers(plan) if address is from_here else _contained(plan)
    document = {
        "global": {"scrape_interval": pace.interval, "evaluation_interval": pace.interval},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }
    scrape = Artifact("prometheus/prometheus.yml", yaml_text(document))
    return (scrape, alerts.render(plan, pace))


def exposed(service: PlannedService, source: Source) -> tuple[tuple[Endpoint, str], ...]:
    """Return the port at which a service tells figures, and their path; nothing where it has none.

    The platform's services all do, by agreement; of others the catalog says it. A helper in one of
    their tiers is the front of a tunnel: it has none.
    """
    web = next((e for e in service.endpoints if e.protocol == "HTTP"), None)
    platform = not service.is_helper and service.definition.tier in EXPOSING_TIERS
    always = PATH if platform else ""
    path = service.definition.metrics.get(source.kind, always)
    return ((web, path),) if web is not None and path else ()


def _contained(plan: Plan) -> list[dict[str, Any]]:
    """Return the jobs of a gateway in the same network, and of the dashboard behind it."""
    found = next((s for s in plan.contained if s.id == GATEWAY), None)
    if found is None:
        return []
    target = f"{GATEWAY}:{statistics(found).container_port}"
    jobs = [_gateway(target)]
    if DASHBOARD in plan.ids:
        jobs.append(_dashboard(target, FIGURES))
    return jobs


def _helpers(plan: Plan) -> list[dict[str, Any]]:
    """Return the jobs of our own helpers on this machine, which only its own processes reach."""
    jobs = []
    if DASHBOARD in plan.ids:
        here = plan[DASHBOARD]
        jobs.append(_dashboard(from_here(here, here.endpoints[0]), PATH))
    if GATEWAY in plan.ids:
        jobs.append(_gateway(f"{LOOPBACK}:{statistics(plan[GATEWAY]).port}"))
    return jobs


def _dashboard(target: str, path: str) -> dict[str, Any]:
    """Return a job without a name of its own: what it says of services has theirs, and what it
    says of the machine has none.
    """
    static = {"targets": [target]}
    return {"job_name": DASHBOARD, "static_configs": [static], **_at(path), "honor_labels": True}


def _gateway(target: str) -> dict[str, Any]:
    return _job(GATEWAY, target, STATISTICS)


def statistics(gateway: PlannedService) -> Endpoint:
    """Return where the gateway says what passes it, under ``STATISTICS``."""
    return next(e for e in gateway.endpoints if e.path == "/ready")


def _job(name: str, target: str, path: str) -> dict[str, Any]:
    static = {"targets": [target], "labels": {"service": name}}
    return {"job_name": name, "static_configs": [static], **_at(path)}


def _at(path: str) -> dict[str, str]:
    return {"metrics_path": path} if path != PATH else {}  # what Prometheus asks for by itself
