from __future__ import annotations

import asyncio
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from alfred_dev.embedded.exposition import exposition
from alfred_dev.embedded.metrics import BUCKETS_S, ROUTE, UNKNOWN, Meter, MeterMiddleware


def samples(text: bytes) -> dict[tuple[str, str], float]:
    """Parsed samples: (name, labels as text) -> value."""
    return {
        (s.name, ",".join(f"{k}={v}" for k, v in sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text.decode())
        for s in family.samples
    }


def test_the_text_is_what_prometheus_reads() -> None:
    meter = Meter()
    for seconds in (0.0005, 0.001, 0.003, 99.0):
        meter.observe("GET", "/v1/tasks/{id}", 200, seconds)
    meter.observe("BREW", '/"\\', 405, 0.2)
    meter.ignore("GET", "/health", 200)
    found = samples(
        exposition(meter, service="agent-core", dependencies={"redis": True, "vector-db": False})
    )
    labels = "method=GET,route=/v1/tasks/{id},status=200"
    bucket = "http_request_duration_seconds_bucket"
    assert found["http_requests_total", labels] == 4
    assert found[bucket, f"le={BUCKETS_S[0]!r},{labels}"] == 0
    assert found[bucket, f"le=1.0,{labels}"] == 3
    assert found[bucket, f"le=10.0,{labels}"] == 3
    assert found[bucket, f"le=+Inf,{labels}"] == 4
    assert found["http_request_duration_seconds_count", labels] == 4
    assert found["http_request_duration_seconds_sum", labels] == pytest.approx(99.0045)
    assert found["http_requests_total", 'method=OTHER,route=/"\\,status=405'] == 1
    assert found["http_requests_total", "method=GET,route=/health,status=200"] == 1
    assert not [name for name, told in found if "/health" in told and "bucket" in name]
    assert 0 < found["process_resident_memory_bytes", ""] < 1e10
    assert time.time() - 86400 * 30 < found["process_start_time_seconds", ""] <= time.time() + 1
    assert found["alfred_dependency_up", "dependency=redis"] == 1
    assert found["alfred_dependency_up", "dependency=vector-db"] == 0
    assert found["alfred_stand_in", ""] == 1


def test_nothing_measured_is_a_text_too() -> None:
    assert samples(exposition(Meter(), service="x", dependencies={}))["alfred_stand_in", ""] == 1


@given(st.lists(st.floats(0, 100), min_size=1))
def test_every_request_is_in_one_bucket(seconds: list[float]) -> None:
    meter = Meter()
    for value in seconds:
        meter.observe("GET", "/", 200, value)
    (counts,) = meter.counts.values()
    assert sum(counts) == len(seconds)
    for limit, above in zip(BUCKETS_S, range(1, len(counts)), strict=True):
        assert sum(counts[:above]) == sum(value <= limit for value in seconds)


def observed(scope: Scope, *, fails: bool = False) -> Meter:
    """The meter after one request whose application answers 201, or raises."""
    meter = Meter()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if fails:
            raise ZeroDivisionError
        scope[ROUTE] = "/things/{id}"
        await send({"type": "http.response.start", "status": 201})

    async def nothing(message: Message) -> None:
        pass

    async def receive() -> Message:
        return {"type": "http.request"}

    asyncio.run(MeterMiddleware(application, meter, {"/quiet"})(scope, receive, nothing))
    return meter


REQUEST = {"type": "http", "method": "GET", "raw_path": b"/things/1%0a?token=secret"}


def test_a_request_counts_under_its_template() -> None:
    assert list(observed(dict(REQUEST)).counts) == [("GET", "/things/{id}", "201")]


def test_a_crash_counts_as_500() -> None:
    with pytest.raises(ZeroDivisionError):
        observed(dict(REQUEST), fails=True)


def test_what_is_no_request_is_not_counted() -> None:
    assert observed({"type": "lifespan"}).counts == {}


def test_a_line_of_log_has_no_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "alfred_dev.embedded"):
        observed(dict(REQUEST))
    (line,) = caplog.messages
    assert line.startswith("GET /things/1%0a 201 ") and line.endswith(" ms")
    assert UNKNOWN not in line
