"""A service that should run was never started, or was stopped by hand."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find what is selected and stopped, while other services run."""
    for service in seen.ill:
        if service.stopped and (seen.alive or not seen.idle):
            name = service.id
            yield Finding(
                subject=name,
                cause=f"{name} is stopped: nobody started it, or somebody stopped it",
                evidence=(f"{name}: {service.status.detail}",),
                fix=Fix(
                    text=f"Start {name}.",
                    commands=(f"alfred-dev start {name}",),
                    automatic=True,
                ),
            )


CHECK = Check(
    code="service-stopped",
    title="A service is not running",
    category=Category.SERVICES,
    cause="`alfred-dev stop`, or an `up` that was interrupted before it came to this service",
    fix="`alfred-dev start SERVICE`",
    depends_on=frozenset(
        {
            "container-paused",
            "engine-down",
            "loopback-broken",
            "port-taken",
            "stack-down",
            "supervisor-lost",
        }
    ),
    rank=40,
    observe=services,
    judge=judge,
)
