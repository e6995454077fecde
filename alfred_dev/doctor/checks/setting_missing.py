"""A password or another value that is made on first use is not there."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.settings import SETTINGS


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find generated settings without a value, once something was started with them."""
    assert given.plan is not None  # noqa: S101 - it needs a plan
    empty = [s.key for s in SETTINGS if s.generated and not given.plan.settings[s.key]]
    used = given.ever_up or given.problem is not None  # before that, up makes them
    if not empty or given.guessed or not used:
        return
    what = "there is no .env" if not seen.present else f"{', '.join(empty)} has no value in .env"
    if seen.astray:
        what = f".env is a link to {seen.astray}, which is not there"
    yield Finding(
        subject=".env",
        about=frozenset(empty),
        cause=f"{what}, and services run, or their data was made, with what stood there",
        evidence=(f"without a value: {', '.join(empty)}",),
        fix=Fix(
            text=f"Put back {', '.join(empty)} as the services had them.",
            commands=(
                *(("rm .env",) if seen.astray else ()),
                f"alfred-dev doctor {CODE} --fix --yes",
            ),
            repair="put_settings_back",
        ),
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
