from __future__ import annotations

import asyncio

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded import readiness
from alfred_dev.embedded.readiness import Answer, Readiness, State, asker
from tests.servers import free_port
from tests.unit.embedded.running import ask

GOOD = State((Answer(service="redis", ok=True, detail="fine", latency_ms=1.0),))
BAD = State((Answer(service="redis", ok=False, detail="no", latency_ms=1.0),))


class Oracle:
    """Answers what it is told to, when it is let, and counts."""

    def __init__(self, *states: State) -> None:
        self.states = list(states)
        self.timeouts: list[float] = []
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self, timeout_s: float) -> State:
        self.timeouts.append(timeout_s)
        await self.let.wait()
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def test_many_at_a_time_ask_once_and_for_a_while_nobody_asks_again() -> None:
    async def main() -> None:
        oracle = Oracle(GOOD)
        ready = Readiness(oracle)
        oracle.let.clear()
        crowd = [asyncio.create_task(ready.state()) for _ in range(50)]
        await asyncio.sleep(0)
        oracle.let.set()
        assert set(await asyncio.gather(*crowd)) == {GOOD}
        assert await ready.state() == GOOD
        assert len(oracle.timeouts) == 1

    asyncio.run(main())


def test_one_who_goes_away_does_not_take_the_answer_along() -> None:
    async def main() -> None:
        oracle = Oracle(GOOD)
        ready = Readiness(oracle)
        oracle.let.clear()
        first, second = (asyncio.create_task(ready.state()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        oracle.let.set()
        assert await second == GOOD
        assert len(oracle.timeouts) == 1

    asyncio.run(main())


def test_what_is_old_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)

    async def main() -> None:
        ready = Readiness(Oracle(GOOD, BAD))
        assert (await ready.state()).ok
        assert (await ready.state()).waiting_for == ("redis",)

    asyncio.run(main())


def test_the_watch_ends_with_the_first_good_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "RETRY_S", 0.0)

    async def main() -> None:
        oracle = Oracle(BAD, BAD, GOOD)
        ready = Readiness(oracle)
        assert ready.known is None
        await ready.watch()
        assert ready.known == GOOD
        assert len(oracle.timeouts) == 3

    asyncio.run(main())


def test_asking_now_asks_with_patience_even_when_all_is_known() -> None:
    async def main() -> None:
        oracle = Oracle(GOOD)
        ready = Readiness(oracle)
        await ready.state()
        await ready.ask_now()
        assert oracle.timeouts == [readiness.HEALTH_TIMEOUT_S, readiness.READY_TIMEOUT_S]

    asyncio.run(main())


def test_no_dependency_is_always_ready() -> None:
    state = asyncio.run(asker((), {})(1.0))
    assert state.ok and state.detail == ""


def test_an_address_that_is_missing_or_no_address_is_said_without_a_secret() -> None:
    asks = [
        ask("redis", "ALFRED_REDIS_URL", ProbeKind.REDIS),
        ask("db-postgres", "ALFRED_DATABASE_URL", ProbeKind.POSTGRES),
        ask("model-router", "ALFRED_MODEL_ROUTER_URL", ProbeKind.HTTP, "/health"),
    ]
    environ = {
        "ALFRED_DATABASE_URL": "postgresql://postgres:hunter2@127.0.0.1:port/postgres",
        "ALFRED_MODEL_ROUTER_URL": f"http://127.0.0.1:{free_port()}",
    }
    state = asyncio.run(asker(asks, environ)(1.0))
    assert state.waiting_for == ("redis", "db-postgres", "model-router")
    assert "ALFRED_REDIS_URL is not set" in state.detail
    assert "ALFRED_DATABASE_URL cannot be read" in state.detail
    assert "hunter2" not in state.detail
