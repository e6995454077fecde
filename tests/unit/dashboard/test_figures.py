"""Rates and latencies from what services say of themselves."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.dashboard import figures
from alfred_dev.dashboard.figures import Reading
from alfred_dev.embedded.exposition import exposition
from alfred_dev.embedded.metrics import BUCKETS_S, Meter


def said(requests: Meter, calls: Meter | None = None) -> str:
    return exposition(requests, service="agent-core", dependencies={}, calls=calls).decode()


def test_what_stand_ins_say_is_read() -> None:
    requests, calls = Meter(), Meter()
    for _ in range(9):
        requests.observe("GET", "/v1/tasks", 200, 0.004)
    requests.observe("POST", "/v1/tasks", 503, 0.3)
    requests.observe("GET", "/health", 200, 9.0)
    calls.add(("redis", "set", "ok"), 0.002)
    found = figures.read(said(requests, calls), 20.0, {"/health"})
    told = figures.traffic(Reading(at=10.0), found)
    assert told.rate == pytest.approx(1.0)
    assert told.errors == pytest.approx(0.1)
    assert told.p50 == pytest.approx(4, rel=0.05) and told.p99 == pytest.approx(300, rel=0.05)
    assert figures.calls(Reading(at=10.0), found)["redis"].rate == pytest.approx(0.1)


def test_what_the_gateway_says_is_read() -> None:
    """As Envoy 1.40 prints it."""
    asked = "envoy_cluster_external_upstream_rq"
    lines = [
        f"# TYPE {asked} counter",
        f'{asked}{{envoy_response_code="201",envoy_cluster_name="agent-core"}} 15',
        f'{asked}{{envoy_response_code="503",envoy_cluster_name="agent-core"}} 5',
        f'{asked}{{envoy_response_code="200",envoy_cluster_name="gateway-admin"}} 89',
        f'{asked}_completed{{envoy_cluster_name="agent-core"}} 20',
        f"# TYPE {asked}_time histogram",
        f'{asked}_time_bucket{{envoy_cluster_name="agent-core",le="25"}} 10',
        f'{asked}_time_bucket{{envoy_cluster_name="agent-core",le="50"}} 20',
        f'{asked}_time_bucket{{envoy_cluster_name="agent-core",le="+Inf"}} 20',
        f'{asked}_time_bucket{{envoy_cluster_name="gateway-admin",le="+Inf"}} 89',
        f'{asked}_time_count{{envoy_cluster_name="agent-core"}} 20',
    ]
    found = figures.read_gateway("\n".join(lines) + "\n", 20.0, {"agent-core", "agent-rag"})
    told = figures.calls(Reading(at=10.0), found)
    assert told.keys() == {"agent-core"}
    assert (told["agent-core"].rate, told["agent-core"].p50) == (2.0, 25.0)
    whole = figures.traffic(Reading(at=10.0), found)
    assert (whole.rate, whole.errors, whole.p50) == (2.0, 0.25, 25.0)


def test_a_restart_counts_anew() -> None:
    old = Reading(at=0.0, served={0.1: 100.0, math.inf: 100.0}, failed=7.0)
    new = Reading(at=10.0, served={0.1: 5.0, math.inf: 5.0}, failed=1.0)
    told = figures.traffic(old, new)
    assert (told.rate, told.errors) == (0.5, 0.2)


def test_no_traffic_has_no_latency() -> None:
    same = Reading(at=1.0, served={math.inf: 3.0})
    told = figures.traffic(same, same)
    assert (told.rate, told.errors, told.p50, told.p99) == (0.0, 0.0, None, None)


@given(
    st.lists(st.floats(0.0001, 20), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99])
)
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds: list[float], share: float) -> None:
    bounds = (*BUCKETS_S, math.inf)
    counts = {b: float(sum(s <= b for s in seconds)) for b in bounds}
    true = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    upper = next(b for b in bounds if true <= b)
    lower = max((b for b in (0.0, *BUCKETS_S) if b < true), default=0.0)
    found = figures.quantile(counts, share)
    assert found is not None
    most = BUCKETS_S[-1] if math.isinf(upper) else upper
    assert lower * 1000 - 1e-6 <= found <= most * 1000 + 1e-6


def shapes() -> dict[str, list[float]]:
    """Raw latencies of 10,000 requests, as services have them."""
    chance = random.Random(7)
    return {
        "wide": [chance.lognormvariate(-5, 1) for _ in range(10_000)],
        "spiky": [0.005 + chance.random() * 1e-6 for _ in range(10_000)],
        "two humps": [
            chance.gauss(*((0.002, 0.0002) if n % 10 else (0.4, 0.02))) for n in range(10_000)
        ],
        "quick": [0.0001 + chance.expovariate(10_000) for _ in range(10_000)],
    }


@pytest.mark.parametrize("shape", shapes())
def test_what_is_shown_is_within_a_twentieth_of_the_raw(shape: str) -> None:
    raw, meter = shapes()[shape], Meter()
    for seconds in raw:
        meter.observe("GET", "/", 200, seconds)
    told = figures.traffic(Reading(at=0.0), figures.read(said(meter), 1.0, ()))
    for share, shown in ((0.5, told.p50), (0.95, told.p95), (0.99, told.p99)):
        true = sorted(raw)[math.ceil(share * len(raw)) - 1] * 1000
        assert shown == pytest.approx(true, rel=0.05), (share, shown, true)


def test_the_heat_map_counts_each_request_once() -> None:
    meter = Meter()
    for seconds in (0.0006, 0.004, 0.004, 0.3, 9.0):
        meter.observe("GET", "/", 200, seconds)
    now = figures.read(said(meter), 1.0, ())
    counts = figures.heat([(Reading(at=0.0), now), (now, now)])
    assert (len(counts), sum(counts)) == (len(figures.HEAT_MS) + 1, 5)
    assert (counts[0], counts[2], counts[-1]) == (1, 2, 1)


def test_each_step_is_narrow_enough() -> None:
    steps = [b / a for a, b in itertools.pairwise(BUCKETS_S) if b <= 1]
    assert max(steps) <= figures.NARROW and math.sqrt(figures.NARROW) < 1.05


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    figures.read(text, 0.0, ())


def test_the_window_starts_with_the_oldest_reading_in_it() -> None:
    readings = [Reading(at=float(t)) for t in range(0, 100, 10)]
    found = figures.window(readings, 90.0, 60.0)
    assert found is not None and found.at == 30.0
    assert figures.window([], 0.0, 60.0) is None
