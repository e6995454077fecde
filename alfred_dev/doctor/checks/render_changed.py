"""Rendered files are not as we wrote them."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.files import Files, files
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Files, given: Given) -> Iterable[Finding]:
    """Find rendered files that were edited or deleted since they were written."""
    if seen.edited and given.ever_up:
        count, name = len(seen.edited), seen.edited[0].removeprefix(f"{given.root}/")
        yield Finding(
            subject=name,
            about=frozenset(seen.edited),
            cause=f"{count} of the files below .alfred/render {'was' if count == 1 else 'were'} "
            f"edited or deleted since we wrote them: {name}{' and more' if count > 1 else ''}",
            evidence=seen.edited[:5],
            fix=Fix(text="up writes them anew.", commands=("alfred-dev up",), automatic=True),
        )


CHECK = Check(
    code="render-changed",
    title="Rendered files were changed",
    category=Category.DRIFT,
    severity=Severity.WARNING,
    cause="somebody edited or deleted them",
    fix="`alfred-dev up` (they are never edited by hand: see alfred.yaml)",
    depends_on=frozenset({"mount-missing"}),
    rank=64,
    needs_plan=False,
    observe=files,
    judge=judge,
)
