"""What is late is asked once more before anything is said of it: a busy machine is no fault."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alfred_dev.doctor import registry
from alfred_dev.doctor.look import flows, gateway, services, stores
from alfred_dev.doctor.look.gateway import Route
from alfred_dev.doctor.scene import Scene
from alfred_dev.probe import redis
from alfred_dev.probe.base import ProbeResult, Reason, ill, well
from tests.unit.doctor.scenes import given

LATE = ill(Reason.TIMEOUT, "no complete answer")
TARGET: Any = None


@pytest.mark.parametrize(
    ("writes", "ping", "ok"),
    [
        ([well("OK")], LATE, True),
        ([ill(Reason.STATUS, "MISCONF")], well("PONG"), False),
        ([LATE, well("OK")], well("PONG"), True),  # it was busy
        ([LATE, LATE], LATE, True),  # slow to everything: that is another check's
        ([LATE, LATE], well("PONG"), False),  # it holds writes back
    ],
)
def test_a_late_redis_refuses_nothing(
    monkeypatch: pytest.MonkeyPatch, writes: list[ProbeResult], ping: ProbeResult, *, ok: bool
) -> None:
    answers = iter(writes)

    async def reply(target: Any, *command: str, timeout_s: float) -> ProbeResult:
        return ping if command == ("PING",) else next(answers)

    monkeypatch.setattr(redis, "reply", reply)
    assert asyncio.run(stores.written(TARGET, 1)).ok is ok


def test_a_late_route_is_asked_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []

    async def ask(port: int, name: str, leads_to: str, timeout_s: float) -> Route:
        waits.append(timeout_s)
        late = len(waits) == 1
        detail = f"{gateway.LATE} 2 s" if late else "HTTP 200: hello"
        return Route(name=name, leads_to=leads_to, status=0 if late else 200, detail=detail)

    monkeypatch.setattr(gateway, "_ask", ask)
    assert asyncio.run(gateway.route(443, "a", "redis", 2)).status == 200
    assert asyncio.run(gateway.route(443, "a", "redis", 2)).status == 200
    assert waits == [2, 4, 2]


def test_a_check_has_time_for_all_that_its_looks_may_take() -> None:
    port_s = Scene(given=given(), workspace=None, stack=None).probe_timeout_s
    seen_s = port_s + services.ROUNDS * (services.SETTLING_S + port_s)
    late_s = 3 * port_s  # asked once more, with twice the time
    for check in registry.every():
        assert check.timeout_s >= seen_s + max(late_s, sum(flows.PATIENCE_S)), check.code
