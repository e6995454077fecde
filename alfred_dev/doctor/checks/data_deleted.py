"""The data of a service was deleted while it runs: it writes to what is lost when it ends."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.kept import DELETED, Kept, kept
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Kept, given: Given) -> Iterable[Finding]:
    """Find services whose data folder is gone, and that hold files of it."""
    for name, file in seen.data.items():
        yield Finding(
            subject=name,
            cause=f".alfred/data/{name} was deleted while {name} runs: what it has and what it "
            "writes from now on is lost when it ends",
            evidence=(f"{name} holds {file.removesuffix(DELETED)}, which is deleted",),
            fix=Fix(
                text="Save what you need of it first, while it answers; then start it on new data.",
                commands=(restart(name),),
            ),
        )


CHECK = Check(
    code="data-deleted",
    title="The data of a service was deleted under it",
    category=Category.DATA,
    cause="somebody deleted or moved its folder below .alfred/data while it runs",
    fix="save what it still answers with, then `alfred-dev restart SERVICE`",
    rank=17,
    observe=kept,
    judge=judge,
)
