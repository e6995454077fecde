"""A service that should run was never started, or was stopped by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services

KILLED = re.compile(r"\bSIG(?:KILL|TERM)\b")


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find what is selected and stopped, while other services run."""
    if seen.idle and not given.ever_up:
        return  # nothing should run: stack-down says so
    stopped = [s.id for s in seen.ill if s.stopped or (s.ended and KILLED.search(s.ending))]
    ours = [r.id for r in seen.rows if r.status.selected and r.status.service.contained]
    if len(ours) > 1 and {*ours} <= {*stopped}:  # what runs beside the engine may go on
        yield _all(stopped)
        return
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


def _all(names: list[str]) -> Finding:
    return Finding(
        subject="stack",
        about=frozenset(names),
        cause=f"nothing of the stack runs: all {len(names)} services were stopped, and not by "
        "alfred-dev down (the machine or the engine was started anew, or `docker stop`, "
        "`docker kill`)",
        evidence=(f"{names[0]} and {len(names) - 1} more: stopped",),
        fix=Fix(text="Start everything.", commands=("alfred-dev up",), automatic=True),
        everything=True,
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
