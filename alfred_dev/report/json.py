"""The stable JSON of every command. Fields are only ever added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alfred_dev.errors import AlfredError, ConfigError, Problem
from alfred_dev.failure import Failure
from alfred_dev.host.listeners import Conflict
from alfred_dev.plan import Plan
from alfred_dev.reconcile import Step
from alfred_dev.report.command import typed
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
        "fix": [typed(line) for line in problem.fix],
        "where": problem.where,
    }
    if isinstance(problem, ConfigError):
        found["problems"] = [_problem(p) for p in problem.problems]
    return {"schema": schema("error"), "ok": False, "error": found}


def _problem(p: Problem) -> Document:
    return {"file": p.file, "line": p.line, "column": p.column, "message": p.message}


def status(
    plan: Plan,
    statuses: Sequence[ServiceStatus],
    *,
    command: str = "status",
    duration_s: float = 0.0,
    failures: Sequence[Failure] = (),
    notes: Sequence[str] = (),
) -> Document:
    """Return the state of every service. ``notes``: what else deserves to be known."""
    return {
        "schema": schema(command),
        "ok": all_well(statuses),
        "runtime": plan.runtime,
        "slot": plan.slot,
        "domain": plan.domain,
        "duration_s": round(duration_s, 3),
        "services": [_service(s) for s in statuses],
        "failures": [_failure(f) for f in failures],
        "notes": [typed(note) for note in notes],
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
        "fix": [typed(line) for line in found.fix],
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


def ports(plan: Plan) -> Document:
    """Return the port map as this checkout's slot has it, a row a port."""
    catalog = plan.catalog
    rows = [
        (endpoint, plan[endpoint.service].definition.ports[index])
        for service in plan.platform
        for index, endpoint in enumerate(service.endpoints)
    ]
    return {
        "schema": schema("ports"),
        "slot": plan.slot,
        "ports": [
            {
                "service": endpoint.service,
                "title": endpoint.title,
                "port": endpoint.port,
                "protocol": endpoint.protocol,
                "purpose": endpoint.purpose,
                "range": port.range,
                "in_range": catalog.in_range(port),
                "outside_range": port.outside_range,
            }
            for endpoint, port in sorted(rows, key=lambda row: row[0].row)
        ],
    }


def conflicts(found: Sequence[Conflict]) -> Document:
    """Return who holds our ports, a row a port and holder."""
    return {
        "schema": schema("ports-check"),
        "ok": not found,
        "conflicts": [
            {
                "port": c.port,
                "service": c.service,
                "pid": c.pid,
                "program": c.program,
                "command": c.command,
                "user": c.user,
                "addresses": list(c.addresses),
                "hint": c.hint,
                "reason": c.reason,
                "fix": list(c.fix),
                "container": c.container.name if c.container else None,
                "compose_project": (c.container.project or None) if c.container else None,
            }
            for c in found
        ],
    }


def validated(warnings: Iterable[Problem], strays: Iterable[str]) -> Document:
    """Return that the configuration holds, and what deserves a warning."""
    return {
        "schema": schema("config-validate"),
        "ok": True,
        "warnings": [_problem(problem) for problem in warnings],
        "strays": list(strays),
    }


def environment(values: Mapping[str, str]) -> Document:
    """Return the endpoint variables."""
    return {"schema": schema("env"), "variables": dict(values)}
