"""A file in which alfred-dev remembers something cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.files import Files, files
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Files, given: Given) -> Iterable[Finding]:
    """Find torn state files; they hold nothing that up does not find out again."""
    for path, said in seen.torn:
        yield Finding(
            subject=path.removeprefix(f"{given.root}/"),
            cause=f"{path} cannot be read: {said}",
            evidence=(said,),
            fix=Fix(
                text="Delete it; up writes it anew.",
                commands=(f"rm -rf '{path}'", "alfred-dev up"),
            ),
        )


CHECK = Check(
    code="state-torn",
    title="A state file cannot be read",
    category=Category.DRIFT,
    severity=Severity.WARNING,
    cause="it was edited, cut by a full disk, or copied",
    fix="delete it; `alfred-dev up` writes it anew",
    rank=59,
    needs_plan=False,
    observe=files,
    judge=judge,
)
