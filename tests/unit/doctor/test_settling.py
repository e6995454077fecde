"""Who may only say what was so a moment ago."""

from __future__ import annotations

from alfred_dev.doctor.look.services import settling
from alfred_dev.probe.base import Reason, ill
from alfred_dev.runtime.base import State
from tests.unit.doctor import scenes

WAITS = ill(Reason.STATUS, "503: waiting for model-router")


def ids(**more: object) -> frozenset[str]:
    return settling([row.status for row in scenes.seen(**more).rows])  # type: ignore[arg-type]


def test_who_says_that_it_is_not_well_while_all_it_needs_is() -> None:
    assert ids(answers={"agent-rag": WAITS, "agent-core": WAITS}) == {"agent-rag", "agent-core"}


def test_nobody_where_all_are_well_or_one_is_ill_by_itself() -> None:
    assert ids() == frozenset()
    down = {"model-router": State.STOPPED}
    assert ids(states=down, answers={"agent-rag": WAITS}) == frozenset()
    silent = ill(Reason.TIMEOUT, "no answer")
    assert ids(answers={"agent-rag": WAITS, "redis": silent}) == frozenset()
