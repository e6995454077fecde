"""Whatever bytes come back, a probe gives a result, raises nothing and leaves nothing behind."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alfred_dev.catalog.model import ProbeKind
from tests.unit.probe.asking import ask
from tests.unit.probe.strangers import listener

# How right answers begin: random bytes alone never get past a parser's first look.
BEGINNINGS = (
    b"",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 503 No\r\nContent-Type: application/json\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"+PONG\r\n",
    b"-NOAUTH\r\n+OK\r\n",
    b"220 x\r\n250-y\r\n250 ",
    b"R\0\0\0\x08\0\0\0\0",
    b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
    b"E\0\0\0\x20",
    b"\0\0\0\4\0\0\0\0\0",
    b"\0\0\0\4\0\0\0\0\0\0\0\x01\x01\x04\0\0\0\x01\x88",
)
ANSWERS = st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(max_size=300))


@dataclass
class Script:
    """What the server says next: ``before`` it hears anything, and after."""

    before: bytes = b""
    after: bytes = b""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Script]]:
    script = Script()

    def handler(connection: socket.socket) -> None:
        connection.sendall(script.before)
        while connection.recv(4096):
            connection.sendall(script.after)
            connection.shutdown(socket.SHUT_WR)

    with listener(handler) as port:
        yield port, script


@pytest.mark.parametrize("kind", ProbeKind)
@given(before=st.just(b"") | ANSWERS, after=ANSWERS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_answer_raises(
    server: tuple[int, Script], kind: ProbeKind, before: bytes, after: bytes
) -> None:
    port, script = server
    script.before, script.after = before, after

    ask(kind, port, timeout_s=1)

    gc.collect()  # what was left behind would complain now, and a warning is an error
