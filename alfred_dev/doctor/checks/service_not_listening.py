"""A service runs, but not on the port where everybody looks for it."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.probe.base import Reason


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that run, and have a port on which nothing listens."""
    for service in seen.ill:
        closed = service.ports_with(Reason.REFUSED)
        if not service.runs or not closed:
            continue
        developer = service.status.service.by_developer
        ports = ", ".join(str(e.endpoint.port) for e in closed)
        yield Finding(
            subject=service.id,
            cause=_yours(service, ports) if developer else _ours(service, ports),
            evidence=(closed[0].detail, *service.said[-3:]),
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
    return (
        f"{service.id} is yours to run on port {ports} ({where.file}:{where.line} host_port), "
        "and nothing listens there"
    )


def _your_fix(service: Service) -> Fix:
    where = service.status.service.definition.where
    return Fix(
        text=f"Start your process, or have alfred-dev run {service.id}: "
        f"take host_port out of {where.file} (line {where.line} on)."
    )


CHECK = Check(
    code="service-not-listening",
    title="A service does not listen on its port",
    category=Category.SERVICES,
    cause="it is still starting, was configured for another port, or one of its listeners died",
    fix="`alfred-dev restart SERVICE`",
    depends_on=frozenset({"port-taken", "service-frozen", "settings-changed", "loopback-broken"}),
    rank=47,
    observe=services,
    judge=judge,
)
