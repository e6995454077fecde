"""Nothing was started, or `down` ended it."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.doctor.seen import Services


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Say that nothing runs, where nothing should."""
    contained = given.plan is not None and given.plan.runtime == "docker"
    # An engine is alive whatever it runs; a supervisor that is, was started by somebody.
    if seen.idle and not given.ever_up and (contained or not seen.alive):
        yield Finding(
            subject="stack",
            cause="nothing was started here yet, or alfred-dev down ended it",
            fix=Fix(text="Start everything.", commands=("alfred-dev up",)),
            everything=True,
        )


CHECK = Check(
    code="stack-down",
    title="The stack is not running",
    category=Category.SERVICES,
    severity=Severity.INFO,
    cause="nothing was started since the last `down`",
    fix="`alfred-dev up`",
    rank=5,
    observe=services,
    judge=judge,
)
