from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.topology import WORKERS as PLAYED
from alfred_dev.flow.model import (
    TOTAL,
    WORKERS,
    Broken,
    Flow,
    Trip,
    expected,
    judge,
    missing,
    percentile,
)

CORE = "agent-core"
ALL = {hop: 1.0 for hop, _, _ in expected(Flow.EVENTS, CORE)}


def without(*hops: str) -> dict[str, float]:
    return {hop: ms for hop, ms in ALL.items() if hop not in hops}


def test_the_command_expects_whom_the_stand_ins_play() -> None:
    assert WORKERS == PLAYED


def test_the_api_flow_is_the_beginning_of_the_other() -> None:
    assert expected(Flow.EVENTS, CORE)[:2] == expected(Flow.API, CORE)


def test_nothing_is_broken_when_every_hop_was_seen() -> None:
    assert missing(Flow.EVENTS, CORE, ALL, "", timeout_s=5) is None


@pytest.mark.parametrize(
    ("lacking", "detail", "hop", "peer"),
    [
        (("outcome mailed",), "agent-legal: mail-server: refused", "outcome mailed", "mail-server"),
        (("published", "outcome mailed"), "", "published", "pubsub-emulator"),
        (
            tuple(hop for hop in ALL if "rag" in hop or "wrote" in hop or "mailed" in hop),
            "agent-social: agent-rag: HTTP 503: vector-db: refused",
            "agent-rag stored for agent-social",
            "vector-db",
        ),
        (
            tuple(hop for hop in ALL if "rag" in hop or "wrote" in hop or "mailed" in hop),
            "agent-social: agent-rag: refused",
            "agent-social asked agent-rag",
            "agent-rag",
        ),
    ],
)
def test_the_hop_that_broke_is_named(
    lacking: tuple[str, ...], detail: str, hop: str, peer: str
) -> None:
    broken = missing(Flow.EVENTS, CORE, without(*lacking), detail, timeout_s=5)
    assert broken is not None
    assert (broken.hop, broken.peer) == (hop, peer)
    assert broken.detail == (detail or "not seen within 5 s")


def test_an_outcome_has_its_hops_in_order_and_the_first_that_broke() -> None:
    broken = Broken(hop="published", service=CORE, peer="pubsub-emulator", detail="refused")
    trips = [
        Trip(hops={**ALL, TOTAL: 20.0}),
        Trip(hops={"stored": 3.0, f"{CORE} answered": 5.0}, broken=broken),
    ]
    outcome = judge(Flow.EVENTS, CORE, trips)
    assert [h.hop for h in outcome.hops] == [*ALL, TOTAL]
    assert (outcome.ok, outcome.broken, outcome.n) == (False, broken, 2)
    assert (outcome.hops[1].p50_ms, outcome.hops[1].p95_ms) == (1.0, 3.0)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from((50, 95, 99)))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)
    assert found in [round(value, 3) for value in values]
    below = sum(round(value, 3) <= found for value in values)
    assert below * 100 >= percent * len(values)
