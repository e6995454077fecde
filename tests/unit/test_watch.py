"""Waiting for health: definite failures end it soon, slow answers hold nobody up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from alfred_dev import watch as watching
from alfred_dev.plan import Plan, Request
from alfred_dev.planner import narrow
from alfred_dev.probe.base import ProbeResult, Reason, Target
from alfred_dev.runtime.base import Observed, Running, State
from alfred_dev.status import ServiceStatus
from alfred_dev.watch import End, interval, watch
from tests.worlds import plan

WELL = ProbeResult(ok=True, detail="ok", reason=Reason.OK)


def small() -> Plan:
    return narrow(plan(), Request(names=("model-router",)))


def running(made: Plan, state: State = State.RUNNING, **states: State) -> Observed:
    return Observed(
        alive=True,
        services={
            s.id: Running(
                state=states.get(s.id.replace("-", "_"), state),
                pid=9,
                ports=frozenset(e.listen for e in s.endpoints),
            )
            for s in made.services
        },
    )


class Asked:
    """A probe that answers from a table and remembers who was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, slow: int = 0) -> None:
        self.ports: list[int] = []
        self.slow = slow
        monkeypatch.setattr(watching, "probe", self.probe)

    async def probe(self, target: Target, *, timeout_s: float) -> ProbeResult:
        self.ports.append(target.port)
        if target.port == self.slow:
            await asyncio.sleep(timeout_s)
        return WELL


def wait(
    made: Plan, observed: Observed, *, starting: Sequence[str] = (), timeout_s: float = 20
) -> tuple[Sequence[ServiceStatus], End]:
    began = time.monotonic()
    return asyncio.run(
        watch(
            made,
            made.ids,
            lambda: observed,
            lambda statuses, elapsed_s: None,
            starting=starting,
            began=began,
            deadline=began + timeout_s,
        )
    )


def test_what_is_up_is_asked_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked = small(), Asked(monkeypatch)
    assert wait(made, running(made))[1] is End.HEALTHY
    assert sorted(asked.ports) == [5432, 8079, 8080]


def test_what_starts_is_asked_after_what_it_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked = small(), Asked(monkeypatch)
    assert wait(made, running(made, State.STARTING), starting=made.ids)[1] is End.HEALTHY
    assert asked.ports == [5432, 8079, 8080]


def test_a_dependency_that_was_not_asked_for_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, asked = small(), Asked(monkeypatch)
    began = time.monotonic()
    _, end = asyncio.run(
        watch(
            made,
            ("model-router",),
            lambda: running(made, State.STARTING),
            lambda statuses, elapsed_s: None,
            starting=("model-router",),
            began=began,
            deadline=began + 20,
        )
    )
    assert end is End.HEALTHY
    assert asked.ports == [8080]


def test_a_slow_answer_ends_in_a_time_out_with_the_others_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = small()
    Asked(monkeypatch, slow=5432)
    statuses, end = wait(made, running(made), timeout_s=0.5)
    assert end is End.TIME_OUT
    healthy = {s.id for s in statuses if s.health == "healthy"}
    assert healthy == {"model-registry", "model-router"}


def test_a_service_that_gave_up_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    made = small()
    Asked(monkeypatch)
    assert wait(made, running(made, db_postgres=State.FATAL))[1] is End.FAILURE


def test_the_pauses_grow() -> None:
    pauses = [interval(elapsed_s) for elapsed_s in (0, 0.9, 1, 7, 8, 1000)]
    assert pauses == [0.05, 0.05, 0.1, 0.1, 0.25, 0.25]
