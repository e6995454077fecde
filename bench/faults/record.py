"""The shape of a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.faults.world import Undo, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``inject`` breaks the world and returns what undoes it; ``codes``: findings that name the
    true cause; ``subjects``: words of which the first finding must hold one, where that matters;
    ``mends``: whether the printed fix can mend it on this machine, else the reason why not;
    ``touches``: what it breaks, so that pairs are independent; ``severity``: of a fault that
    breaks nothing yet, a warning is right."""

    id: str
    title: str
    inject: Callable[[World], Undo]
    codes: frozenset[str]
    subjects: tuple[str, ...] = ()
    mends: str = ""
    touches: frozenset[str]
    pair: bool = True


def fault(
    id: str,  # noqa: A002 - it is the word for it
    title: str,
    codes: str,
    inject: Callable[[World], Undo],
    *,
    touches: str,
    subjects: str = "",
    mends: str = "",
    pair: bool = True,
) -> Fault:
    """Return a fault; lists are words between spaces."""
    return Fault(
        id=id,
        title=title,
        inject=inject,
        codes=frozenset(codes.split()),
        subjects=tuple(subjects.split()),
        mends=mends,
        touches=frozenset(touches.split()),
        pair=pair,
    )
