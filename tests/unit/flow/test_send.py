"""Sending a flow: what is said when the other end does what it should not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from alfred_dev.flow.model import TOTAL, Entry, Flow, Trip, expected
from alfred_dev.flow.send import send
from tests.servers import free_port

CORE = "agent-core"
AT = "2026-01-01T00:00:0{}+00:00"
TASK = {"id": "7", "status": "queued", "created_at": AT.format("0.5")}


@contextmanager
def core(story: Any, *, posted: tuple[int, Any] = (201, TASK)) -> Iterator[Entry]:
    """Serve agent-core. ``story``: what it says of a task, or of one task after the other."""
    stories = story if isinstance(story, list) else [story]
    sent: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, stories[min(len(sent), len(stories)) - 1])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            sent.append(self.path)
            self.answer(*posted)

        def answer(self, status: int, document: Any) -> None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        yield Entry(base=base, core=base, through=CORE)
        server.shutdown()
        thread.join()


def trips(flow: Flow, entry: Entry, n: int = 1) -> list[Trip]:
    return asyncio.run(send(flow, entry, n, timeout_s=0.2, tell=lambda number: None))


def hops(flow: Flow) -> list[dict[str, Any]]:
    names = [hop for hop, _, _ in expected(flow, CORE)][1:]
    return [{"hop": hop, "ms": 1.5, "at": AT.format("1.0")} for hop in names]


@pytest.mark.parametrize("flow", Flow)
def test_a_whole_trip(flow: Flow) -> None:
    with core({**TASK, "status": "done", "hops": hops(flow)}) as entry:
        first, second = trips(flow, entry, 2)
    assert first.broken is None
    assert [*first.hops] == [*(hop for hop, _, _ in expected(flow, CORE)), TOTAL]
    if flow is Flow.EVENTS:
        assert second.hops[TOTAL] == 500.0


def test_it_ends_with_the_first_that_breaks() -> None:
    with core({**TASK, "hops": hops(Flow.API)}) as entry:
        (trip,) = trips(Flow.EVENTS, entry, 5)
    assert trip.broken is not None
    assert trip.broken.hop == "published"


def test_a_task_that_failed_is_not_waited_for() -> None:
    told = {**TASK, "status": "failed", "hops": hops(Flow.EVENTS)[:-1], "error": "mail-server: no"}
    with core(told) as entry:
        (trip,) = trips(Flow.EVENTS, entry)
    assert trip.broken is not None
    assert (trip.broken.hop, trip.broken.detail) == ("outcome mailed", "mail-server: no")


@pytest.mark.parametrize(
    ("posted", "hop", "said"),
    [
        ((503, {"error": {"code": "database-unavailable"}}), "stored", "503"),
        ((500, b"oh no"), f"{CORE} answered", "HTTP 500: oh no"),
        ((201, b"<html>"), f"{CORE} answered", "not JSON"),
    ],
)
def test_what_is_no_task_is_said(posted: tuple[int, Any], hop: str, said: str) -> None:
    with core({}, posted=posted) as entry:
        (trip,) = trips(Flow.API, entry)
    assert trip.broken is not None
    assert trip.broken.hop == hop
    assert said in trip.broken.detail


def test_nobody_there() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    entry = Entry(base=base, core=base, through=CORE)
    (trip,) = trips(Flow.API, entry)
    assert trip.broken is not None
    assert "no answer" in trip.broken.detail
