"""The log files of what runs were deleted: nothing that is said now is kept."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.keeping import Keeping, keeping
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Keeping, given: Given) -> Iterable[Finding]:
    """Find a supervisor that writes into files which nobody can open any more."""
    if seen.deleted:
        logs = f"{given.root}/.alfred/logs"
        yield Finding(
            subject="logs",
            cause=f"{len(seen.deleted)} log files were deleted while services write to them: what "
            "they say since then is lost, and why one ends cannot be seen",
            evidence=seen.deleted[:5],
            fix=Fix(
                text="Have the supervisor open them anew.",
                commands=(f"mkdir -p -m 700 '{logs}'", f"kill -USR2 {seen.pid}"),
            ),
        )


CHECK = Check(
    code="logs-lost",
    title="Log files were deleted",
    category=Category.DRIFT,
    severity=Severity.WARNING,
    cause="somebody removed `.alfred/logs`, or files in it, while services ran",
    fix="the command of the message (the supervisor opens its logs anew)",
    rank=53,
    observe=keeping,
    judge=judge,
)
