"""Where each service is told to find the others, and whether it is so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from alfred_dev import projectfile
from alfred_dev.catalog.model import Variable
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.errors import AlfredError, UsageError
from alfred_dev.plan import LOOPBACK, Endpoint, Plan, PlannedService
from alfred_dev.planner import told
from alfred_dev.probe.base import ProbeResult, Reason, Target, ill
from alfred_dev.probe.run import probe_all
from alfred_dev.probe.targets import target_of
from alfred_dev.settings import url_quoted

Given = Mapping[tuple[str, str], str]


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
    given: Given = await asyncio.to_thread(_given, scene)
    right = _Right(plan)
    doubtful = [
        (service, name, value)
        for service in plan.services
        for name, value in _values(service, seen, plan).items()
        if value != right.text(name)
    ]
    rows = [_told(s, name, value, right, given) for s, name, value in doubtful]
    asked = [target for _, target in rows if target is not None]
    answers = iter(await probe_all(asked, timeout_s=scene.probe_timeout_s))
    return Endpoints(
        rows=tuple(r if target is None else replace(r, result=next(answers)) for r, target in rows),
        services=seen,
    )


def _values(service: PlannedService, seen: Services, plan: Plan) -> Mapping[str, str]:
    """Return the endpoint variables that the running process has, else those that it would."""
    told = seen[service.id].told
    if not told and plan.runtime != "docker":  # a container that was never made is told nothing
        told = service.environment
    needs = (*service.definition.needs, *service.definition.uses)
    names = {n for need in needs for n in _twins(plan, need)}
    return {name: told[name] for name in sorted(names) if name in told}


def _twins(plan: Plan, name: str) -> tuple[str, ...]:
    provider = plan.catalog.provider_of(name)
    return provider[1].names if provider else ()


def _given(scene: Scene) -> Given:
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


class _Right:
    """What should be told: to a process of this machine, or to a container on our network."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inside = plan.runtime == "docker"

    def of(self, name: str) -> tuple[str, Variable, Endpoint]:
        """Return who provides variable ``name``, and at which endpoint."""
        provider = self.plan.catalog.provider_of(name)
        assert provider is not None  # noqa: S101 - every need has a provider
        service, variable = provider
        return service.id, variable, self.plan[service.id].endpoints[variable.port_index]

    def text(self, name: str) -> str:
        """Return the right value."""
        dependency, variable, endpoint = self.of(name)
        developer = self.plan[dependency].by_developer
        if not self.inside or developer:
            return self.plan.endpoints_environment.get(name, "")
        setting = self.plan.settings.__getitem__
        quoted = told(
            variable, dependency, endpoint.container_port, lambda key: url_quoted(setting(key))
        )
        return quoted[name]

    def target(self, endpoint: Endpoint) -> Target:
        """Return the right place as the service should see it."""
        here = target_of(endpoint, self.plan.settings)
        if not self.inside or self.plan[endpoint.service].by_developer:
            return here
        return replace(here, host=endpoint.service, port=endpoint.container_port)

    def asked_here(self, target: Target, endpoint: Endpoint) -> Target | None:
        """Return how to ask ``target`` from this machine, None where it cannot be right."""
        if not self.inside:
            return target
        service = self.plan[endpoint.service]
        names = (service.id, *service.aliases)
        if target.host not in names or target.port != endpoint.container_port:
            return None
        return replace(target, host=LOOPBACK, port=endpoint.port)


def _told(
    service: PlannedService, name: str, value: str, right: _Right, given: Given
) -> tuple[Told, Target | None]:
    dependency, variable, endpoint = right.of(name)
    wanted = right.target(endpoint)
    row = Told(
        service=service.id,
        dependency=dependency,
        variable=name,
        shown="what is no address",
        right=str(wanted),
        differs=("form",),
        where=given.get((service.id, name), ""),
        result=ill(Reason.OTHER, "it cannot be read"),
    )
    try:
        target = _target(variable.value, value, wanted)
    except (UsageError, ValueError) as error:
        return replace(row, result=ill(Reason.OTHER, str(getattr(error, "cause", error)))), None
    row = replace(row, shown=str(target), differs=_differs(target, wanted))
    if by := _alias(target, right, endpoint):
        row = replace(row, differs=tuple(d for d in row.differs if d != "host"))
        target = by
    asked = right.asked_here(target, endpoint)
    if asked is None:
        return replace(row, result=ill(Reason.OTHER, _why(target, endpoint, right.plan))), None
    return row, asked


def _alias(target: Target, right: _Right, endpoint: Endpoint) -> Target | None:
    """Return ``target`` under the service's own name, where it uses another one of its names."""
    aliases = right.plan[endpoint.service].aliases
    return replace(target, host=endpoint.service) if target.host in aliases else None


def _why(target: Target, endpoint: Endpoint, plan: Plan) -> str:
    """Say why a container does not find it there."""
    if target.host in ("localhost", "127.0.0.1", "::1"):
        return f"inside a container {target.host} is that container itself"
    if target.host == endpoint.service:
        right = f"{endpoint.service} listens on {endpoint.container_port} inside"
        return f"{right}; {target.port} is not it"
    known = target.host in plan.ids
    return f"{target.host} is another service" if known else f"nobody is called {target.host}"


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
