"""Rendered files are not what the plan says."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.files import Files, files
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Files, given: Given) -> Iterable[Finding]:
    """Find rendered files that were edited, deleted, or are older than the configuration."""
    wrong = [*seen.changed, *seen.absent]
    if wrong and given.ever_up:
        name = wrong[0].removeprefix(f"{given.root}/")
        yield Finding(
            subject="render",
            cause=f"{len(wrong)} of the files below .alfred/render are not what the configuration "
            f"says (edited, deleted, or older): {name}{' and more' if len(wrong) > 1 else ''}",
            evidence=tuple(wrong[:5]),
            fix=Fix(text="up writes them anew.", commands=("alfred-dev up",), automatic=True),
        )


CHECK = Check(
    code="render-changed",
    title="Rendered files were changed",
    category=Category.DRIFT,
    severity=Severity.WARNING,
    cause="somebody edited or deleted them, or the configuration is newer",
    fix="`alfred-dev up` (they are never edited by hand: see alfred.yaml)",
    depends_on=frozenset({"settings-changed", "setting-missing", "env-shadowed", "config-invalid",
                          "password-mismatch", "endpoint-wrong", "stack-down", "supervisor-lost"}),
    rank=64,
    observe=files,
    judge=judge,
)  # fmt: skip
