"""A variable of this shell, or .env.local, hides what .env says."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

FILES = (".env", ".env.local", "--env-file")


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find settings of the shell that differ from the file that people edit."""
    assert given.plan is not None  # noqa: S101 - it needs a plan
    for key, value in given.plan.settings.values.items():
        hidden = next(((t, o) for t, o in value.shadowed if o.layer in FILES), None)
        if value.origin.layer == "environment" and hidden and hidden[0] != value.text:
            yield Finding(
                subject=key,
                cause=f"{key} of this shell hides the one in {hidden[1]}: what you edit there "
                "has no effect",
                evidence=(f"winner: {value.origin}; hidden: {hidden[1]}",),
                fix=Fix(text="Take it out of this shell.", commands=(f"unset {key}",)),
            )


CHECK = Check(
    code="env-shadowed",
    title="A variable of the shell hides a setting of .env",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="the variable is exported in this shell (a profile, direnv, an IDE)",
    fix="`unset KEY`; `alfred-dev config explain KEY` shows all layers",
    depends_on=frozenset({"password-mismatch"}),
    rank=60,
    observe=configuration,
    judge=judge,
)
