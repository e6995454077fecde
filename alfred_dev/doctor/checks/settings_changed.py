"""A service runs with what was true before."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.doctor.seen import Services
from alfred_dev.probe.base import Reason


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find differences between how services were started and how they would be now."""
    causes: dict[str, list[str]] = {}
    for row in seen.rows:
        for cause in row.drift:
            causes.setdefault(cause, []).append(row.id)
    moved = {row.id for row in seen.ill if row.runs and row.ports_with(Reason.REFUSED)}
    for cause, names in causes.items():
        yield Finding(
            subject=names[0],
            about=frozenset({*names, "render"}),
            cause=f"{cause} since {_some(names)} started: what runs does not know it yet",
            evidence=tuple(f"{name}: {cause}" for name in names[:5]),
            severity=Severity.ERROR if moved & {*names} else None,  # it is where it was before
            fix=Fix(text="up restarts exactly what needs it.", commands=("alfred-dev up",),
                    automatic=True),
        )  # fmt: skip


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


CHECK = Check(
    code="settings-changed",
    title="What runs is older than its configuration",
    category=Category.DRIFT,
    severity=Severity.WARNING,
    cause=".env, alfred.yaml, a variable of this shell or alfred-dev itself changed since `up`",
    fix="`alfred-dev up`",
    depends_on=frozenset(
        {
            "config-invalid",
            "endpoint-wrong",
            "engine-down",
            "env-shadowed",
            "password-mismatch",
            "setting-missing",
        }
    ),
    rank=63,
    observe=services,
    judge=judge,
)
