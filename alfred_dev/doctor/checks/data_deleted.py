"""The data of a service was deleted while it runs: it writes to what is lost when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.kept import DELETED, Kept, kept
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Kept, given: Given) -> Iterable[Finding]:
    """Find services whose data folder is gone, and that hold files of it."""
    if len(seen.data) > 1:
        yield _all(seen.data, given)
        return
    for name, file in seen.data.items():
        yield Finding(
            subject=name,
            cause=f".alfred/data/{name} was {_how(file)} while {name} runs: what it has and what "
            "it writes from now on is lost when it ends",
            evidence=(f"{name} holds {file.removesuffix(DELETED)}, which is {_how(file)}",),
            fix=Fix(
                text="Save what you need of it first, while it answers; then start it on new data.",
                commands=(restart(name),),
            ),
        )


def _how(file: str) -> str:
    return "deleted" if file.endswith(DELETED) else "moved"


def _all(data: Mapping[str, str], given: Given) -> Finding:
    """Say once that the folder of all was deleted, or moved."""
    names = ", ".join(data)
    return Finding(
        subject=next(iter(data)),
        about=frozenset(data),
        cause=f".alfred was deleted or moved while services run: what {names} have, and what they "
        "write from now on, is lost when they end",
        evidence=tuple(f"{name} holds {file}" for name, file in data.items()),
        fix=Fix(
            text="Put it back where it was; or save what you need while they answer, and start "
            "everything on new data.",
            commands=("alfred-dev restart",),
        ),
        everything=True,
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
