"""When the sampler looks. What it sees is told by others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from alfred_dev.dashboard import server
from alfred_dev.dashboard.sampler import Sampler
from alfred_dev.dashboard.seen import View
from tests.unit.dashboard import views

OLD = replace(views.view(), at=time.time() - 60)


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sampler:
    """A sampler whose every look finds the same at another time."""

    async def look(self: Sampler) -> None:
        async with self._changed:
            self.view = replace(OLD, at=time.time())
            self._changed.notify_all()

    monkeypatch.setattr(Sampler, "_look", look)
    return views.sampler(tmp_path)


async def asked(looking: Sampler, view: View | None) -> View | None:
    """Return what somebody gets who asks while the sampler rests, having seen ``view``."""
    running = asyncio.create_task(looking.run())
    try:
        await looking.next(0)
        looking.view = view
        return await looking.fresh(4)
    finally:
        running.cancel()


def test_who_asks_gets_what_is_so_now(looking: Sampler) -> None:
    found = asyncio.run(asked(looking, OLD))
    assert found is not None and found.at > OLD.at + 30


def test_a_view_of_just_now_is_not_looked_for_again(looking: Sampler) -> None:
    young = replace(OLD, at=time.time())
    assert asyncio.run(asked(looking, young)) is young


def test_before_the_first_look_there_is_nothing_to_wait_for(looking: Sampler) -> None:
    assert asyncio.run(asked(looking, None)) is None


def test_who_cannot_have_a_new_view_gets_the_last(looking: Sampler) -> None:
    looking.view = OLD
    assert asyncio.run(looking.fresh(0.05)) is OLD  # nobody looks: it was never run


@pytest.mark.parametrize(
    ("said", "patience"), [("10.000000", 4.0), ("1", 0.7), ("", 4.0), ("soon", 4.0), (None, 4.0)]
)
def test_nobody_waits_until_prometheus_has_given_up(said: str | None, patience: float) -> None:
    headers = {} if said is None else {server.SCRAPE_TIMEOUT: said}
    assert server._patience_s(headers) == patience
