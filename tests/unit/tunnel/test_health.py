"""Which side is ill: every case of what two probes can say."""

from __future__ import annotations

import pytest

from alfred_dev.tunnel.base import Reached
from alfred_dev.tunnel.health import judge, troubles
from alfred_dev.tunnel.model import State
from tests.unit.tunnel.made import NOW, record

WELL = {"tunnel": "agent-core", "ok": True, "detail": ""}
OURS = Reached(asked=True, ok=True, body='{"tunnel": "agent-core", "ok": true}')


@pytest.mark.parametrize(
    ("local", "public", "broken"),
    [
        (WELL, OURS, ""),
        ({**WELL, "ok": False, "detail": "refused"}, OURS, "service"),
        (WELL, Reached(asked=False, ok=False, detail="nobody may ask"), ""),
        (WELL, Reached(asked=True, ok=False, detail="HTTP 502"), "provider"),
        (WELL, Reached(asked=True, ok=True, body='{"tunnel": "other"}'), "front"),
        (WELL, Reached(asked=True, ok=True, body="<html>"), "front"),
        (WELL, Reached(asked=True, ok=True, body="[]"), "front"),
    ],
)
def test_the_side_that_is_ill(local: dict[str, object], public: Reached, broken: str) -> None:
    assert judge(local, public).broken == broken


def test_troubles_name_what_to_type() -> None:
    records = [
        record(name="well", healthy=True),
        record(name="down", broken="service", detail="refused"),
        record(name="lost", state=State.LOST, broken="provider"),
        record(name="other", broken="front"),
        record(name="dead"),
        record(name="over", expires_at=NOW),
        record(name="failed", state=State.FAILED),
        record(name="opening", state=State.OPENING),
    ]
    alive = ["well", "down", "lost", "other", "over", "opening"]
    found = {t.name: t for t in troubles(records, alive, now=NOW)}
    assert set(found) == {"down", "lost", "other", "dead", "over"}
    assert found["down"].fix == "alfred-dev up agent-core"
    assert found["lost"].fix == "alfred-dev tunnel test"
    assert found["dead"].fix == "alfred-dev tunnel close dead"
    assert "killed" in found["dead"].detail
