"""A compose file of the project that will not work."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.compose_files import Flaw, compose_files
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: tuple[Flaw, ...], given: Given) -> Iterable[Finding]:
    """One finding for all errors of the linter: it has the details."""
    if seen:
        first = seen[0]
        more = f" and {len(seen) - 1} more" if len(seen) > 1 else ""
        yield Finding(
            subject=first.place.rpartition(":")[0],
            cause=f"{first.message} [{first.rule}]{more}",
            evidence=tuple(f"{flaw.place}: {flaw.message}" for flaw in seen[:5]),
            fix=Fix(text=first.fix, commands=(f"alfred-dev lint '{given.root}'",)),
        )


CHECK = Check(
    code="compose-file-wrong",
    title="A compose file of the project will not work",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="a wrong port, a name that no service has, a password that two places disagree on, ...: "
    "what `alfred-dev lint` calls an error",
    fix="`alfred-dev lint` says what, where and how to mend it",
    rank=90,
    needs_plan=False,
    quick=False,
    observe=compose_files,
    judge=judge,
)
