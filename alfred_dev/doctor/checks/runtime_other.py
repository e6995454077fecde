"""What runs is not in the runtime that is asked for: all is well, but no start is possible."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.doctor.seen import Services

KEY = "ALFRED_RUNTIME"


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find a setting that means the other runtime than the one that is being looked at."""
    assert given.plan is not None  # noqa: S101 - it needs a plan
    wanted, origin = given.plan.settings[KEY], given.plan.settings.values[KEY].origin
    if wanted in ("auto", given.plan.runtime) or not any(row.runs for row in seen.rows):
        return
    here = origin.layer == "environment"
    yield Finding(
        subject=KEY,
        cause=f"{KEY}={wanted} ({origin}), and the services run in the {given.plan.runtime} "
        "runtime: up refuses to start anything beside them",
        fix=Fix(
            text="Take it out of this shell." if here else "Move all of it to that runtime.",
            commands=(f"unset {KEY}",) if here else ("alfred-dev down", "alfred-dev up"),
        ),
    )


CHECK = Check(
    code="runtime-other",
    title="What runs is not in the runtime that is asked for",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="ALFRED_RUNTIME was changed, in this shell or in .env, while services ran",
    fix="`unset ALFRED_RUNTIME`, or `alfred-dev down` and `alfred-dev up`",
    depends_on=frozenset({"config-invalid"}),
    rank=59,
    observe=services,
    judge=judge,
)
