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
from tests.unit.probe.asking import PASSWORD, PATIENCE_S, ask
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
    b"R\0\0\0\x08\0\0\0\0Z\0\0\0\5IT\0\0\0\4D",
    b"E\0\0\0\x20",
    b"\0\0\0\4\0\0\0\0\0",
    b"\0\0\0\4\0\0\0\0\0\0\0\x01\x01\x04\0\0\0\x01\x88",
)
ANSWERS = st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(max_size=300))


@dataclass
class Script:
    """What the server says next, at once or only after it has heard something."""

    answer: bytes = b""
    at_once: bool = False


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Script]]:
    script = Script()

    def handler(connection: socket.socket) -> None:
        if script.at_once or connection.recv(4096):
            connection.sendall(script.answer)
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    with listener(handler) as port:
        yield port, script


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()  # what was left behind would complain now, and a warning is an error


@pytest.mark.parametrize("kind", ProbeKind)
@given(answer=ANSWERS, at_once=st.booleans(), password=st.sampled_from(["", PASSWORD]))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_answer_raises(
    server: tuple[int, Script], kind: ProbeKind, answer: bytes, at_once: bool, password: str
) -> None:
    port, script = server
    script.answer, script.at_once = answer, at_once or kind is ProbeKind.SMTP  # it never asks

    ask(kind, port, timeout_s=PATIENCE_S, password=password)
