"""A password or another value that is made on first use is not there."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.settings import SETTINGS


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find generated settings without a value, once something was started with them."""
    assert given.plan is not None  # noqa: S101 - it needs a plan
    empty = [s.key for s in SETTINGS if s.generated and not given.plan.settings[s.key]]
    if not empty or given.guessed:
        return
    used = given.ever_up or given.problem is not None
    what = "there is no .env" if not seen.present else f"{', '.join(empty)} has no value in .env"
    yield Finding(
        subject=".env",
        about=frozenset(empty),
        cause=f"{what}"
        + (", and services run, or their data was made, with what stood there" if used else ""),
        severity=Severity.ERROR if used else Severity.INFO,
        evidence=(f"without a value: {', '.join(empty)}",),
        fix=_fix(used=used, keys=empty),
    )


def _fix(*, used: bool, keys: list[str]) -> Fix:
    if not used:
        return Fix(text="up makes them at random.", commands=("alfred-dev up",))
    return Fix(
        text=f"Put back {', '.join(keys)} as the services that run have them.",
        commands=(f"alfred-dev doctor {CODE} --fix --yes",),
        repair="put_settings_back",
    )


CODE = "setting-missing"
CHECK = Check(
    code=CODE,
    title="A password is missing in .env",
    category=Category.CONFIG,
    cause=".env was deleted, moved, or lost a line",
    fix="`alfred-dev doctor setting-missing --fix` takes it from what runs; else put it back",
    depends_on=frozenset({"config-invalid"}),
    rank=2,
    observe=configuration,
    judge=judge,
)
