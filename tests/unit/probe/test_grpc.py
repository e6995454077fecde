from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import grpc
import h2.config
import h2.connection
import h2.events
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from alfred_dev.probe.grpc import HEALTH, QDRANT
from tests.unit.probe.asking import HASTE_S, ask
from tests.unit.probe.strangers import grpc_server, listener, saying

GRPC = ProbeKind.GRPC
Method = Callable[[bytes, Any], bytes]


def returning(message: bytes) -> Method:
    return lambda request, context: message


def failing(code: Any, text: str) -> Method:
    def method(request: bytes, context: Any) -> bytes:
        context.set_code(code)
        context.set_details(text)
        return b""

    return method


@pytest.mark.parametrize(
    ("methods", "detail"),
    [
        ({HEALTH: returning(b"\x08\x01")}, "SERVING"),
        ({QDRANT: returning(b"\x0a\x06qdrant")}, "answers Qdrant's HealthCheck"),
        ({}, "speaks gRPC but has no health service"),
        ({HEALTH: returning(b"\x08\x01"), QDRANT: returning(b"")}, "SERVING"),
    ],
)
def test_a_grpc_server_that_serves_is_well(methods: dict[str, Method], detail: str) -> None:
    with grpc_server(methods) as port:
        result = ask(GRPC, port)

    assert result.ok
    assert result.detail == detail


@pytest.mark.parametrize(
    ("methods", "reason", "detail"),
    [
        ({HEALTH: returning(b"\x08\x02")}, Reason.STATUS, "NOT_SERVING"),
        ({HEALTH: returning(b"\x08\x03")}, Reason.STATUS, "SERVICE_UNKNOWN"),
        ({HEALTH: returning(b"")}, Reason.STATUS, "UNKNOWN"),
        ({HEALTH: returning(b"\x08")}, Reason.STATUS, "UNKNOWN"),
        ({HEALTH: returning(b"\x08\x63")}, Reason.STATUS, "99"),
        (
            {HEALTH: failing(grpc.StatusCode.UNAVAILABLE, "no disk")},
            Reason.STATUS,
            "answers gRPC status 14 no disk",
        ),
        (
            {HEALTH: failing(grpc.StatusCode.UNAUTHENTICATED, "who?")},
            Reason.AUTH,
            "answers gRPC status 16 who?",
        ),
        (
            {QDRANT: failing(grpc.StatusCode.INTERNAL, "broken")},
            Reason.STATUS,
            "answers gRPC status 13 broken",
        ),
        ({HEALTH: returning(b"x" * 200_000)}, Reason.PROTOCOL, "answers more than 65536 bytes"),
    ],
)
def test_a_grpc_server_that_does_not_serve_is_ill(
    methods: dict[str, Method], reason: Reason, detail: str
) -> None:
    with grpc_server(methods) as port:
        result = ask(GRPC, port)

    assert (result.reason, result.detail) == (reason, detail)


OK_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
SETTINGS = b"\0\0\0\4\0\0\0\0\0"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\0\0\0\1garbage",
        b"\0",
        SETTINGS + b"\0\0\2\1\4\0\0\0\1\xff\xff",  # headers that cannot be decoded
        SETTINGS + b"\0\0\0\4\0\0\0\0\1",  # settings of a stream
    ],
)
def test_what_is_not_http2_is_recognised_while_it_is_still_talking(said: bytes) -> None:
    with listener(saying(said + b"x" * 20, then_close=False)) as port:
        result = ask(GRPC, port)

    assert result.reason is Reason.PROTOCOL


@pytest.mark.parametrize("said", [b"", b"\0\0", SETTINGS])
def test_an_answer_that_is_cut_off_is_no_answer(said: bytes) -> None:
    with listener(saying(said)) as port:
        assert ask(GRPC, port).reason is Reason.RESET


def http2(answer: Callable[[h2.connection.H2Connection], None]) -> Callable[[socket.socket], None]:
    """Speak HTTP/2 and ``answer`` the first request."""

    def handler(connection: socket.socket) -> None:
        session = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        session.initiate_connection()
        while data := connection.recv(65536):
            for event in session.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    answer(session)
            connection.sendall(session.data_to_send())

    return handler


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda s: s.send_headers(1, [(":status", "404")], end_stream=True), Reason.PROTOCOL),
        (
            lambda s: s.send_headers(
                1, [(":status", "200"), ("content-type", "text/html")], end_stream=True
            ),
            Reason.PROTOCOL,
        ),
        (lambda s: s.send_headers(1, OK_HEADERS, end_stream=True), Reason.PROTOCOL),
        (
            lambda s: s.send_headers(1, [*OK_HEADERS, ("grpc-status", "\xff")], end_stream=True),
            Reason.STATUS,
        ),
        (lambda s: s.reset_stream(1), Reason.RESET),
        (lambda s: s.close_connection(), Reason.RESET),
        (lambda s: s.send_headers(1, [(":status", "200")]), Reason.TIMEOUT),
    ],
)
def test_http2_without_grpc_is_no_grpc(
    answer: Callable[[h2.connection.H2Connection], None], reason: Reason
) -> None:
    patience = {"timeout_s": HASTE_S} if reason is Reason.TIMEOUT else {}
    with listener(http2(answer)) as port:
        assert ask(GRPC, port, **patience).reason is reason
