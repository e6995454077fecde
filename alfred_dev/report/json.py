"""The stable JSON of every command. Fields are only ever added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alfred_dev.catalog.model import Catalog
from alfred_dev.errors import AlfredError, ConfigError
from alfred_dev.failure import Failure
from alfred_dev.plan import Plan
from alfred_dev.reconcile import Step
from alfred_dev.status import ServiceStatus, all_well

Document = dict[str, Any]


def emit(document: Mapping[str, Any]) -> None:
    """Print one document on stdout."""
    print(json.dumps(document, ensure_ascii=False))  # noqa: T201 - this is where JSON leaves


def schema(command: str) -> str:
    """Return the name of a command's schema."""
    return f"alfred-dev/{command}/v1"


def error(problem: AlfredError) -> Document:
    """Return an error as a document."""
    found: Document = {
        "code": problem.code,
        "what": problem.what,
        "cause": problem.cause,
        "fix": list(problem.fix),
        "where": problem.where,
    }
    if isinstance(problem, ConfigError):
        found["problems"] = [
            {"file": p.file, "line": p.line, "column": p.column, "message": p.message}
            for p in problem.problems
        ]
    return {"schema": schema("error"), "ok": False, "error": found}


def status(
    plan: Plan,
    statuses: Sequence[ServiceStatus],
    *,
    command: str = "status",
    duration_s: float = 0.0,
    failures: Sequence[Failure] = (),
) -> Document:
    """Return the state of every service."""
    return {
        "schema": schema(command),
        "ok": all_well(statuses),
        "runtime": plan.runtime,
        "slot": plan.slot,
        "domain": plan.domain,
        "duration_s": round(duration_s, 3),
        "services": [_service(s) for s in statuses],
        "failures": [_failure(f) for f in failures],
    }


def _service(found: ServiceStatus) -> Document:
    service = found.service
    return {
        "id": service.id,
        "title": service.title,
        "kind": service.kind,
        "tier": service.definition.tier,
        "profile": service.definition.profile,
        "selected": found.selected,
        "state": found.running.state,
        "health": found.health,
        "detail": found.detail,
        "blocked_by": list(found.blocked_by),
        "from": service.source.kind,
        "from_detail": service.source.detail,
        "pid": found.running.pid or None,
        "restarts": found.running.restarts,
        "depends_on": list(service.depends_on),
        "endpoints": [
            {
                "port": e.endpoint.port,
                "container_port": e.endpoint.container_port,
                "protocol": e.endpoint.protocol,
                "purpose": e.endpoint.purpose,
                "url": e.endpoint.url,
                "healthy": e.healthy,
                "latency_ms": e.latency_ms,
                "detail": e.detail,
            }
            for e in found.endpoints
        ],
    }


def _failure(found: Failure) -> Document:
    return {
        "service": found.service,
        "class": found.kind,
        "cause": found.cause,
        "evidence": list(found.evidence),
        "fix": list(found.fix),
        "blocks": list(found.blocks),
    }


def dry_run(made: Iterable[str], steps: Iterable[Step]) -> Document:
    """Return what ``up`` would do."""
    return {
        "schema": schema("up-dry-run"),
        "ok": True,
        "settings_made": list(made),
        "steps": [{"action": s.action, "service": s.service, "cause": s.cause} for s in steps],
    }


def down(*, deleted_data: bool) -> Document:
    """Return that everything is down."""
    return {"schema": schema("down"), "ok": True, "deleted_data": deleted_data}


def ports(catalog: Catalog) -> Document:
    """Return the port map, a row a port."""
    return {
        "schema": schema("ports"),
        "ports": [
            {
                "service": service.id,
                "title": port.title or service.title,
                "port": port.host,
                "protocol": port.protocol,
                "purpose": port.purpose,
                "range": port.range,
                "in_range": catalog.in_range(port),
                "outside_range": port.outside_range,
            }
            for service in catalog.services.values()
            for port in service.ports
        ],
    }


def environment(values: Mapping[str, str]) -> Document:
    """Return the endpoint variables."""
    return {"schema": schema("env"), "variables": dict(values)}
