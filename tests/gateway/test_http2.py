"""The same by HTTP/2, frame by frame: what no client sends, but an attacker may."""

from __future__ import annotations

import contextlib
import ssl
import struct

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived

from tests.gateway.doors import Door, host

PATH = "/agents/core/x"
CONTINUATION = 9
Headers = list[tuple[str, str]]


class Speaker:
    """A connection of HTTP/2 that sends whatever it is told."""

    def __init__(self, door: Door) -> None:
        context = door.tls
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(door.connected_plain(), server_hostname=host("ui"))
        self.socket.settimeout(5)
        rules = H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding=None
        )
        self.state = H2Connection(rules)
        self.state.initiate_connection()
        self.socket.sendall(self.state.data_to_send())

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, headers: Headers) -> None:
        self.state.send_headers(1, headers, end_stream=True)
        self.socket.sendall(self.state.data_to_send())

    def answer(self) -> tuple[int, bytes]:
        """Return status and body; 0 where the connection was closed instead, after a second."""
        status, body = 0, b""
        try:
            while chunk := self.socket.recv(65536):
                for event in self.state.receive_data(chunk):
                    if isinstance(event, ResponseReceived):
                        status = int(dict(event.headers)[b":status"])
                    elif isinstance(event, DataReceived):
                        body += event.data
                        if event.stream_ended:
                            return status, body
        except (ConnectionError, ssl.SSLError):
            pass
        return status, body

    def flood(self, kind: int, payload: bytes, times: int) -> bool:
        """Send a frame over and over; tell whether we were cut off."""
        stream = 1 if kind == CONTINUATION else 0
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + struct.pack(">I", stream)
        try:
            for _ in range(times):
                self.socket.sendall(head + payload)
        except (OSError, ssl.SSLError):
            return True
        return False


def to(authority: str, path: str = PATH, method: str = "GET") -> Headers:
    return [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]


def asked(door: Door, headers: Headers) -> tuple[int, bytes]:
    with Speaker(door) as speaker:
        speaker.ask(headers)
        return speaker.answer()


def test_the_authority_counts_and_no_host_beside_it(door: Door) -> None:
    for first, second in (("api", "ui"), ("ui", "api")):
        status, body = asked(door, [*to(host(first)), ("host", host(second))])
        assert status == (401 if first == "api" else 200), body
    alone = [row for row in to("") if row[0] != ":authority"]
    assert asked(door, [*alone, ("host", host("api"))])[0] == 401


FORBIDDEN: tuple[Headers, ...] = (
    [*to(host("ui"), "/"), (":authority", host("api"))],
    [*to(host("api"), "/health"), (":path", PATH)],
    to(host("api"), "*"),
    to(host("api"), ""),
    to(host("api"), f"https://{host('api')}{PATH}"),
    [*to(host("api"), method="POST"), ("transfer-encoding", "chunked")],
    [*to(host("api")), ("content-length", "9")],
    [*to(host("ui"), "/"), ("x-a", "b\r\nx-role: admin")],
    [*to(host("ui"), "/"), ("X-Role", "admin")],
    [*to(host("ui"), "/", "CONNECT"), (":protocol", "websocket")],
)


def test_what_http2_forbids_ends_the_connection(door: Door) -> None:
    token = ("authorization", f"Bearer {door.token()}")
    with contextlib.ExitStack() as stack:
        speakers = [stack.enter_context(Speaker(door)) for _ in FORBIDDEN]
        for speaker, headers in zip(speakers, FORBIDDEN, strict=True):
            speaker.ask([*headers, token])
        for speaker, headers in zip(speakers, FORBIDDEN, strict=True):
            assert speaker.answer()[0] in (0, 400), headers


def test_who_floods_is_cut_off_and_nobody_else(door: Door) -> None:
    with Speaker(door) as endless:
        endless.socket.sendall(b"\x00\x00\x03\x01\x00\x00\x00\x00\x01\x82\x84\x87")
        assert endless.flood(CONTINUATION, b"\x00\x01a\x7f\x80\x01" + b"b" * 255, 50_000)
    with Speaker(door) as resets, pytest.raises((OSError, ssl.SSLError)):
        for number in range(1, 40_001, 2):
            resets.state.send_headers(number, to(host("ui"), "/"), end_stream=True)
            resets.state.reset_stream(number)
            if number % 100 == 1:
                resets.socket.sendall(resets.state.data_to_send())
    assert door.get("ui", "/").status_code == 200
    assert door.process.poll() is None
