"""Where each service is told to find the others, and whether it is so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from alfred_dev import projectfile
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.errors import AlfredError, UsageError
from alfred_dev.plan import Plan, PlannedService
from alfred_dev.probe.base import ProbeResult, Reason, Target, ill
from alfred_dev.probe.run import probe_all
from alfred_dev.probe.targets import target_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A service was told ``value`` for the endpoint ``variable`` of ``dependency``.

    ``differs``: the parts that are not as they should be (host, port, password, ...);
    ``where``: ``file:line`` of whoever said so, "" where nobody did; ``shown``: the value without
    its secret; ``right``: what it should be, shown the same way.
    """

    service: str
    dependency: str
    variable: str
    shown: str
    right: str
    differs: tuple[str, ...]
    where: str
    result: ProbeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Every value that is not what the plan would say, asked; and the state of all services."""

    rows: tuple[Told, ...]
    services: Services


async def endpoints(scene: Scene) -> Endpoints:
    """Compare what services were told with what is true, and ask where it differs."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    seen = await scene.see(services)
    plan = scene.stack.plan
    given = await asyncio.to_thread(_given, scene)
    doubtful = [
        (service, name, value)
        for service in plan.services
        for name, value in _values(service, seen, plan).items()
        if value != plan.endpoints_environment.get(name)
    ]
    rows = [_told(s, name, value, plan, given) for s, name, value in doubtful]
    asked = [target for _, target in rows if target is not None]
    answers = iter(await probe_all(asked, timeout_s=scene.probe_timeout_s))
    return Endpoints(
        rows=tuple(r if target is None else replace(r, result=next(answers)) for r, target in rows),
        services=seen,
    )


def _values(service: PlannedService, seen: Services, plan: Plan) -> Mapping[str, str]:
    """Return the endpoint variables that the running process has, else those that it would."""
    told = seen[service.id].told or service.environment
    names = {n for need in service.definition.needs for n in _twins(plan, need)}
    return {name: told[name] for name in sorted(names) if name in told}


def _twins(plan: Plan, name: str) -> tuple[str, ...]:
    provider = plan.catalog.provider_of(name)
    return provider[1].names if provider else ()


def _given(scene: Scene) -> Mapping[tuple[str, str], str]:
    """Return (service, variable) -> ``file:line`` for what alfred.yaml says."""
    if scene.workspace is None or scene.stack is None:
        return {}
    try:
        loaded = projectfile.loaded(scene.workspace)
    except AlfredError:
        return {}
    found = {}
    for service in scene.stack.plan.services:
        for name in service.definition.env:
            rows = loaded.given(("services", service.id, "env", name))
            if rows:
                found[service.id, name] = str(rows[0][1])
    return found


def _told(
    service: PlannedService, name: str, value: str, plan: Plan, given: Mapping[tuple[str, str], str]
) -> tuple[Told, Target | None]:
    provider = plan.catalog.provider_of(name)
    assert provider is not None  # noqa: S101 - it was found by it
    dependency, variable = provider
    endpoint = plan[dependency.id].endpoints[variable.port_index]
    right = target_of(endpoint, plan.settings)
    row = Told(
        service=service.id,
        dependency=dependency.id,
        variable=name,
        shown="what is no address",
        right=str(right),
        differs=("form",),
        where=given.get((service.id, name), ""),
        result=ill(Reason.OTHER, "it cannot be read"),
    )
    try:
        target = _target(variable.value, value, right)
    except (UsageError, ValueError) as error:
        return replace(row, result=ill(Reason.OTHER, str(getattr(error, "cause", error)))), None
    return replace(row, shown=str(target), differs=_differs(target, right)), target


def _target(template: str, value: str, right: Target) -> Target:
    """Read ``value``; where it is a part of an address alone, the rest is as it should be."""
    if template == "{host}":
        return replace(right, host=value)
    if template == "{port}":
        return replace(right, port=int(value))
    return Target.from_url(right.kind, value, path=right.path, project=right.project)


def _differs(target: Target, right: Target) -> tuple[str, ...]:
    parts = ("host", "port", "user", "password", "database")
    return tuple(p for p in parts if getattr(target, p) != getattr(right, p))
