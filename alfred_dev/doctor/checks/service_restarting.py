"""A service is well now, and ends again and again."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.doctor.seen import Services

OFTEN = 3
LATELY_S = 300


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that were started over several times, the last time not long ago."""
    for row in seen.rows:
        running = row.status.running
        ago_s = given.now - running.started_at
        if row.runs and not row.ill and running.restarts >= OFTEN and ago_s < LATELY_S:
            yield Finding(
                subject=row.id,
                cause=f"{row.id} is well now, but it ended {running.restarts} times since it was "
                f"last started by a command; it came back {ago_s:.0f} s ago",
                evidence=(f"restarts: {running.restarts}",),
                fix=Fix(text="Read what it says before it ends; a restart begins the count anew.",
                        commands=(f"alfred-dev logs --tail 100 {row.id}",
                                  f"alfred-dev restart {row.id}")),
            )  # fmt: skip


CHECK = Check(
    code="service-restarting",
    title="A service ends again and again",
    category=Category.SERVICES,
    severity=Severity.WARNING,
    cause="it fails now and then, or somebody or something kills it",
    fix="read `alfred-dev logs SERVICE`; `alfred-dev restart SERVICE` begins the count anew",
    depends_on=frozenset({"engine-down", "out-of-memory", "supervisor-lost"}),
    rank=51,
    observe=services,
    judge=judge,
)
