"""gRPC health, over cleartext HTTP/2; h2 instead of grpcio, whose import costs more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from alfred_dev import __version__
from alfred_dev.probe.base import ProbeResult, Reason, Target, ill, well
from alfred_dev.probe.wire import AnswerError, concluded, connected, excerpt

HEALTH = "/grpc.health.v1.Health/Check"
QDRANT = "/qdrant.Qdrant/HealthCheck"
TOTAL_LIMIT = 64 * 1024  # bytes of all answers, framing included
CHUNK = 4 * 1024
_EMPTY_MESSAGE = b"\0" * 5  # not compressed, no bytes: every request of ours
_SETTINGS_FRAME = b"\4"  # type of the first frame of every server
_STATUS_FIELD = b"\x08"  # HealthCheckResponse.status: field 1, varint


class Code(IntEnum):
    """The status codes of a call that we tell apart."""

    OK = 0
    PERMISSION_DENIED = 7
    UNIMPLEMENTED = 12
    UNAUTHENTICATED = 16


SERVING = 1
SERVING_STATUS = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


@dataclass(slots=True, kw_only=True)
class Call:
    """One unary call, as far as its answer has come."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    ended: bool = False


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether ``target`` is SERVING according to grpc.health.v1.

    A server without that service is asked for Qdrant's own; one that has neither speaks gRPC,
    which is all that is proved then. ``timeout_s`` is wall-clock seconds over the whole
    conversation. An unreachable target is an answer, not an error. Raises nothing but
    cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    async with connected(target) as (reader, writer):
        session = _Session(reader, writer, authority=str(target))
        health = await session.call(HEALTH)
        code = _code_of(health)
        if code == Code.OK:
            return _judged(health.data)
        if code != Code.UNIMPLEMENTED:
            return _refused(code, health)
        qdrant = await session.call(QDRANT)
        code = _code_of(qdrant)
        if code == Code.OK:
            return well("answers Qdrant's HealthCheck")
        if code != Code.UNIMPLEMENTED:
            return _refused(code, qdrant)
        return well("speaks gRPC but has no health service")


class _Session:
    """One HTTP/2 connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, authority: str
    ) -> None:
        self._reader, self._writer, self._authority = reader, writer, authority
        self._http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._http2.initiate_connection()
        self._received = b""

    async def call(self, path: str) -> Call:
        """Send an empty message to ``path`` and return the answer."""
        stream = self._http2.get_next_available_stream_id()
        self._http2.send_headers(stream, self._request(path))
        self._http2.send_data(stream, _EMPTY_MESSAGE, end_stream=True)
        call = Call()
        while not call.ended:
            self._writer.write(self._http2.data_to_send())
            data = await self._reader.read(CHUNK)
            if not data:
                raise EOFError
            for event in self._events(data):
                _take(event, call, stream)
        return call

    def _events(self, data: bytes) -> Sequence[h2.events.Event]:
        self._received += data
        if len(self._received) > TOTAL_LIMIT:
            raise AnswerError(Reason.PROTOCOL, f"answers more than {TOTAL_LIMIT} bytes")
        # h2 waits for as many bytes as a stranger's text seems to announce; look first.
        if self._received[:1] != b"\0" or self._received[3:4] not in _SETTINGS_FRAME:
            raise self._stranger()
        try:
            return self._http2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            raise self._stranger() from error

    def _stranger(self) -> AnswerError:
        seen = excerpt(self._received)
        return AnswerError(Reason.PROTOCOL, f"does not speak HTTP/2: answers {seen}")

    def _request(self, path: str) -> list[tuple[str, str]]:
        return [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", self._authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", f"alfred-dev/{__version__}"),
        ]


def _take(event: h2.events.Event, call: Call, stream: int) -> None:
    """Add one event to ``call``. Events of other streams and of the connection are ignored."""
    if isinstance(event, h2.events.ConnectionTerminated):
        raise AnswerError(Reason.RESET, f"ends the connection (HTTP/2 error {event.error_code})")
    if getattr(event, "stream_id", None) != stream:
        return
    if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
        call.headers |= {_text(name): _text(value) for name, value in event.headers or ()}
    elif isinstance(event, h2.events.DataReceived):
        call.data += event.data or b""
    elif isinstance(event, h2.events.StreamReset):
        raise AnswerError(Reason.RESET, f"breaks the call off (HTTP/2 error {event.error_code})")
    elif isinstance(event, h2.events.StreamEnded):
        call.ended = True


def _code_of(call: Call) -> int:
    code = call.headers.get("grpc-status", "")
    if not call.headers.get("content-type", "").startswith("application/grpc") or not code:
        status = call.headers.get(":status", "nothing")
        raise AnswerError(Reason.PROTOCOL, f"speaks HTTP/2 but not gRPC: answers {status}")
    return int(code) if code.isdecimal() else -1


def _judged(message: bytes) -> ProbeResult:
    """Judge a HealthCheckResponse: five bytes of prefix, then at most one varint field."""
    body = message[len(_EMPTY_MESSAGE) :]
    status = body[1] if body.startswith(_STATUS_FIELD) and len(body) > 1 else 0
    name = SERVING_STATUS.get(status, str(status))
    return well(name) if status == SERVING else ill(Reason.STATUS, name)


def _refused(code: int, call: Call) -> ProbeResult:
    denied = code in (Code.PERMISSION_DENIED, Code.UNAUTHENTICATED)
    detail = f"answers gRPC status {code} {call.headers.get('grpc-message', '')}".rstrip()
    return ill(Reason.AUTH if denied else Reason.STATUS, detail)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
