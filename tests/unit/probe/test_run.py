from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from alfred_dev.probe.run import probe_all, prober
from tests import servers
from tests.unit.probe.asking import HASTE_S, PATIENCE_S, ask, target
from tests.unit.probe.strangers import (
    answering,
    closing,
    dribbling,
    flooding,
    listener,
    resetting,
    saying,
    silent,
    unused_port,
)

HTTP = ProbeKind.HTTP
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
EVERY_KIND = pytest.mark.parametrize("kind", ProbeKind)
EVERY_KIND_THAT_TALKS = pytest.mark.parametrize(
    "kind", [kind for kind in ProbeKind if kind is not ProbeKind.TCP]
)


@EVERY_KIND
def test_every_kind_has_a_file(kind: ProbeKind) -> None:
    assert prober(kind).__doc__


def test_only_what_is_used_is_imported() -> None:
    program = (
        "import sys, alfred_dev.probe.run, alfred_dev.probe.targets\n"
        "assert not {'h11', 'h2', 'asyncpg', 'grpc', 'httpx'} & set(sys.modules)\n"
        "alfred_dev.probe.run.prober('http')\n"
        "assert 'h11' in sys.modules\n"
        "assert not {'h2', 'alfred_dev.probe.postgres'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@EVERY_KIND
def test_a_port_where_nobody_listens_is_refused(kind: ProbeKind) -> None:
    with unused_port() as port:
        result = ask(kind, port)

    assert result.reason is Reason.REFUSED
    assert result.detail == f"nothing listens on 127.0.0.1:{port}"


@EVERY_KIND_THAT_TALKS
def test_silence_is_a_time_out(kind: ProbeKind) -> None:
    with listener(silent) as port:
        result = ask(kind, port, timeout_s=HASTE_S)

    assert result.reason is Reason.TIMEOUT
    assert result.latency_ms >= HASTE_S * 1000


@EVERY_KIND_THAT_TALKS
@pytest.mark.parametrize("manners", [resetting, closing])
def test_a_connection_that_breaks_off_is_a_reset(
    kind: ProbeKind, manners: Callable[[socket.socket], None]
) -> None:
    with listener(manners) as port:
        assert ask(kind, port).reason is Reason.RESET


@EVERY_KIND_THAT_TALKS
def test_a_flood_is_not_swallowed(kind: ProbeKind) -> None:
    with listener(flooding) as port:
        assert ask(kind, port).reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (HTTP, OK),
        (ProbeKind.PUBSUB, OK),
        (ProbeKind.REDIS, b"+PONG\r\n"),
        (ProbeKind.SMTP, b"220 mail.example\r\n"),
        (ProbeKind.POSTGRES, b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"),
        (ProbeKind.GRPC, b"\0\0\0\4\0\0\0\0\0"),
    ],
)
def test_the_right_answer_that_drips_in_too_slowly_is_a_time_out(
    kind: ProbeKind, answer: bytes
) -> None:
    stop = threading.Event()
    with listener(dribbling(answer, pause_s=HASTE_S / 5, stop=stop)) as port:
        result = ask(kind, port, timeout_s=HASTE_S)
        stop.set()

    assert result.reason is Reason.TIMEOUT


@EVERY_KIND_THAT_TALKS
def test_a_binary_stranger_is_recognised(kind: ProbeKind) -> None:
    with listener(saying(bytes(range(128, 256)) + b"\r\n", then_close=False)) as port:
        assert ask(kind, port).reason is Reason.PROTOCOL


@pytest.mark.parametrize("kind", [ProbeKind.POSTGRES, ProbeKind.REDIS, ProbeKind.GRPC])
def test_an_http_server_is_a_stranger_to(kind: ProbeKind) -> None:
    with listener(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n", then_close=False)) as port:
        assert ask(kind, port).reason is Reason.PROTOCOL


def test_an_http_server_is_silent_to_smtp() -> None:
    with listener(answering(OK)) as port:
        assert ask(ProbeKind.SMTP, port, timeout_s=HASTE_S).reason is Reason.TIMEOUT


@pytest.mark.parametrize("kind", [HTTP, ProbeKind.PUBSUB, ProbeKind.GRPC, ProbeKind.REDIS])
def test_a_real_postgres_is_a_stranger_to(kind: ProbeKind, postgres: servers.Server) -> None:
    assert ask(kind, postgres.port).reason is Reason.RESET  # it hangs up without a word


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (HTTP, Reason.RESET),
        (ProbeKind.PUBSUB, Reason.RESET),
        (ProbeKind.GRPC, Reason.PROTOCOL),
        (ProbeKind.SMTP, Reason.TIMEOUT),
        (ProbeKind.POSTGRES, Reason.TIMEOUT),
    ],
)
def test_a_real_redis_is_a_stranger_to(
    kind: ProbeKind, reason: Reason, valkey: servers.Server
) -> None:
    patience = HASTE_S if reason is Reason.TIMEOUT else PATIENCE_S
    assert ask(kind, valkey.port, timeout_s=patience).reason is reason


@EVERY_KIND_THAT_TALKS
def test_a_cancelled_probe_leaves_nothing(kind: ProbeKind) -> None:
    heard = threading.Event()

    def server(connection: socket.socket) -> None:
        heard.set()
        silent(connection)

    async def cancelled(port: int) -> None:
        task = asyncio.create_task(probe_all([target(kind, port)] * 3, timeout_s=PATIENCE_S))
        assert await asyncio.to_thread(heard.wait, PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with listener(server) as port:
        asyncio.run(cancelled(port))


def test_results_are_in_the_order_of_the_targets_and_know_their_latency() -> None:
    stop = threading.Event()
    with (
        listener(dribbling(OK, pause_s=0.002, stop=stop)) as slow,
        listener(answering(OK)) as fast,
    ):
        asked = [target(HTTP, slow), target(HTTP, fast), target(HTTP, slow), target(HTTP, fast)]
        results = asyncio.run(probe_all(asked, timeout_s=PATIENCE_S))

    assert all(result.ok for result in results)
    assert min(results[0].latency_ms, results[2].latency_ms) >= 2 * len(OK)
    assert all(result.latency_ms > 0 for result in results)


def test_all_are_asked_at_once() -> None:
    together = threading.Barrier(30)

    def server(connection: socket.socket) -> None:
        together.wait(PATIENCE_S)  # breaks, and so the test, unless thirty are here
        answering(OK)(connection)

    with listener(server) as port:
        results = asyncio.run(probe_all([target(HTTP, port)] * 30, timeout_s=PATIENCE_S))

    assert all(result.ok for result in results)


def test_no_more_than_the_limit_are_asked_at_once() -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def server(connection: socket.socket) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        connection.recv(4096)
        with lock:
            now -= 1
        connection.sendall(OK)
        silent(connection)

    with listener(server) as port:
        asked = [target(HTTP, port)] * 40
        results = asyncio.run(probe_all(asked, timeout_s=PATIENCE_S, limit=4))

    assert all(result.ok for result in results)
    assert 1 <= most <= 4


def test_nobody_to_ask_is_no_question() -> None:
    assert asyncio.run(probe_all([], timeout_s=1)) == []
