"""A service runs, but not on the port where everybody looks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.checks.port_public import loopback
from alfred_dev.doctor.look.inside import Listening, listening
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import CLOSED, Service
from alfred_dev.plan import LOOPBACK, Endpoint
from alfred_dev.probe.base import Reason


def judge(seen: Listening, given: Given) -> Iterable[Finding]:
    """Find services that run, and have a port on which nothing listens."""
    yield from _unpublished(seen, given)
    for service in seen.services.ill:
        if not service.runs:
            continue
        inside = seen.inside.get(service.id)
        if inside is not None:
            yield from _contained(service, inside)
        elif closed := service.ports_with(Reason.REFUSED):
            yield _finding(service, closed[0].detail, [e.endpoint for e in closed])


def _finding(service: Service, detail: str, closed: Sequence[Endpoint]) -> Finding:
    developer = service.status.service.by_developer
    ports = ", ".join(str(e.port) for e in closed)
    return Finding(
        subject=service.id,
        cause=_yours(service, ports) if developer else _ours(service, ports),
        evidence=(detail, *service.said[-3:]),
        fix=_your_fix(service) if developer else Fix(
            text=f"Restart {service.id}.", commands=(restart(service.id),), automatic=True
        ),
    )  # fmt: skip


def _ours(service: Service, ports: str) -> str:
    elsewhere = ", ".join(service.process.listens)
    place = f"it listens on {elsewhere} instead" if elsewhere else "it listens nowhere"
    some = len(service.ports_with(Reason.REFUSED)) < len(service.status.endpoints)
    if some:
        return f"{service.id} listens on some of its ports only: {ports} is closed"
    return f"{service.id} runs, but nothing listens on port {ports}: {place}"


def _yours(service: Service, ports: str) -> str:
    where = service.status.service.definition.where
    there = f"{service.id} is yours to run on port {ports} ({where.file}:{where.line} host_port)"
    if elsewhere := ", ".join(service.process.listens):
        return f"{there}; it listens on {elsewhere}, not on {LOOPBACK}, where everybody looks"
    return f"{there}, and nothing listens there"


def _your_fix(service: Service) -> Fix:
    where = service.status.service.definition.where
    if service.process.listens:
        return Fix(text=f"Have your process listen on {LOOPBACK} (or on both).")
    return Fix(
        text=f"Start your process, or have alfred-dev run {service.id}: "
        f"take host_port out of {where.file} (line {where.line} on)."
    )


def _unpublished(seen: Listening, given: Given) -> Iterable[Finding]:
    """Find containers that listen as they should, and whose ports this machine does not have."""
    lost = [row for row in seen.services.ill if _lost(row, seen.inside.get(row.id))]
    if lost:
        names = [row.id for row in lost]
        ports = ", ".join(str(e.endpoint.port) for row in lost for e in row.status.endpoints)
        yield Finding(
            subject="engine",
            about=frozenset(names),
            cause=f"{', '.join(names)}: listens inside of its container, and the port that the "
            "engine publishes for it is not on this machine: the engine runs elsewhere (another "
            "machine or network namespace), or lost its rules",
            evidence=(f"nothing listens here on {ports}",),
            fix=Fix(
                text="Start the engine anew, which publishes again; where it is not on this "
                "machine: alfred-dev down, then alfred-dev up --runtime process.",
                commands=(f"{given.sudo}systemctl restart docker", "alfred-dev up"),
            ),
        )


def _lost(row: Service, inside: Sequence[tuple[str, int]] | None) -> bool:
    closed = [e.endpoint.container_port for e in row.ports_with(Reason.REFUSED)]
    public = {port for address, port in inside or () if not loopback(address)}
    return row.runs and bool(closed) and public.issuperset(closed)


def _contained(service: Service, inside: Sequence[tuple[str, int]]) -> Iterable[Finding]:
    """Find what a container does not listen on where its port is published."""
    public = {port for address, port in inside if not loopback(address)}
    closed = [e.endpoint for e in service.ports_with(*CLOSED)]
    missed = [e for e in closed if e.container_port not in public]
    if missed:
        name = service.id
        some = [e.endpoint.container_port for e in service.status.endpoints
                if e.endpoint.container_port in public]  # fmt: skip
        places = ", ".join(f"{address}:{number}" for address, number in inside)
        yield Finding(
            subject=name,
            cause=_partly(name, missed, some) if some else _why(name, missed[0], inside),
            evidence=(f"inside its container {name} listens on {places or 'nothing'}",
                      *service.said[-3:]),
            fix=_contained_fix(name, missed[0].container_port, partly=bool(some)),
        )  # fmt: skip


def _contained_fix(name: str, port: int, *, partly: bool) -> Fix:
    if partly:
        text = "Restart it: one of its listeners died."
        return Fix(text=text, commands=(restart(name),), automatic=True)
    return Fix(
        text=f"Have it listen on 0.0.0.0:{port} (its command, its image, its variables in "
        "alfred.yaml).",
        commands=(f"alfred-dev logs --tail 50 {name}", restart(name)),
    )


def _partly(name: str, missed: Sequence[Endpoint], some: Sequence[int]) -> str:
    closed = ", ".join(f"{e.container_port} ({e.purpose})" for e in missed)
    return (
        f"{name} listens on some of its ports only: inside its container {closed} is closed, and "
        f"{', '.join(map(str, some))} is open"
    )


def _why(name: str, endpoint: Endpoint, inside: Sequence[tuple[str, int]]) -> str:
    port = endpoint.container_port
    if lonely := [address for address, number in inside if number == port]:
        return (
            f"{name} listens on {lonely[0]}:{port} inside its container, where nobody else gets to"
        )
    others = ", ".join(f"{address}:{number}" for address, number in inside)
    instead = f"it listens on {others} instead" if others else "it listens nowhere"
    return (
        f"{name} runs, but inside its container nothing listens on port {port}, which is published "
        f"as {endpoint.port}: {instead}"
    )


CHECK = Check(
    code="service-not-listening",
    title="A service does not listen on its port",
    category=Category.SERVICES,
    cause="it is still starting, was configured for another port, listens on the loopback of its "
    "container, or one of its listeners died",
    fix="`alfred-dev restart SERVICE`",
    depends_on=frozenset(
        {
            "container-network",  # on no network its ports are published nowhere
            "engine-down",
            "loopback-broken",
            "port-taken",
            "service-frozen",
            "settings-changed",
        }
    ),
    rank=47,
    observe=listening,
    judge=judge,
)
