"""Rendered files are older than the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.files import Files, files
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

# What the gateway has of the leaf: that another one lies there, the checks of certificates say.
COPIED = "/gateway/certificate.json"


def judge(seen: Files, given: Given) -> Iterable[Finding]:
    """Find rendered files that are as we wrote them, and not what the plan says by now."""
    old = [path for path in seen.old if not path.endswith(COPIED)]
    if old and given.ever_up and not given.guessed:
        name = old[0].removeprefix(f"{given.root}/")
        yield Finding(
            subject="render",
            cause=f"{len(old)} of the files below .alfred/render are older than the "
            f"configuration: {name}{' and more' if len(old) > 1 else ''}",
            evidence=tuple(old[:5]),
            fix=Fix(text="up writes them anew.", commands=("alfred-dev up",), automatic=True),
        )


CHECK = Check(
    code="render-old",
    title="Rendered files are older than the configuration",
    category=Category.DRIFT,
    severity=Severity.WARNING,
    cause="alfred.yaml, .env or alfred-dev itself changed since `up`",
    fix="`alfred-dev up`",
    depends_on=frozenset({"settings-changed", "setting-missing", "env-shadowed", "config-invalid",
                          "password-mismatch", "endpoint-wrong", "stack-down", "supervisor-lost",
                          "engine-down"}),
    rank=65,
    observe=files,
    judge=judge,
)  # fmt: skip
