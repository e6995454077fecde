"""A service answers, and says that it is not well."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services
from alfred_dev.probe.base import Reason


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that answer their probe with an error of their own."""
    for service in seen.ill:
        said = service.ports_with(Reason.STATUS, Reason.STARTING, Reason.OTHER, Reason.RESET)
        if service.runs and said:
            name = service.id
            below = service.status.blocked_by
            why = f"; it needs {', '.join(below)}" if below else ""
            yield Finding(
                subject=name,
                cause=f"{name} says itself that it is not well: {said[0].detail}{why}",
                evidence=tuple(f"port {e.endpoint.port}: {e.detail}" for e in said)
                + service.said[-3:],
                fix=Fix(
                    text="Read what it says, then restart it.",
                    commands=(f"alfred-dev logs --tail 50 {name}", restart(name)),
                ),
                symptom=True,
            )


CHECK = Check(
    code="service-unready",
    title="A service answers that it is not well",
    category=Category.SERVICES,
    cause="an error inside it, or something that it needs",
    fix="read its log, then `alfred-dev restart SERVICE`",
    depends_on=frozenset(
        {
            "container-paused",
            "container-network",
            "endpoint-wrong",
            "database-object-missing",
            "disk-full",
            "too-many-open-files",
            "redis-refuses-writes",
            "engine-down",
            "out-of-memory",
            "postgres-connections",
            "setting-missing",
            "module-missing",
            "name-unknown",
            "firewall",
            "setting-refused",
            "data-damaged",
            "data-access",
            "clock-wrong",
        }
    ),  # fmt: skip
    rank=49,
    observe=services,
    judge=judge,
)
