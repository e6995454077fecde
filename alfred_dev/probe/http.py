"""HTTP/1.1: does the health path answer 2xx?"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass

import h11

from alfred_dev import __version__
from alfred_dev.probe.base import ProbeResult, Reason, Target, ill, well
from alfred_dev.probe.wire import AnswerError, concluded, connected, excerpt

USER_AGENT = f"alfred-dev/{__version__}"
HEAD_LIMIT = 16 * 1024  # bytes of one header block
BODY_LIMIT = 4 * 1024  # bytes that are read of a body
TOTAL_LIMIT = 64 * 1024  # bytes altogether, interim answers and chunk headers included
CHUNK = 4 * 1024
_OPENING = b"HTTP/1."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one request. ``body`` is cut after ``BODY_LIMIT`` bytes."""

    status: int
    phrase: str
    content_type: str
    location: str
    body: bytes

    @property
    def ok(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        return f"answers {self.status} {self.phrase}".rstrip()


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Report whether GET ``target.path`` is answered with 2xx.

    Follows no redirect and uses no proxy. Proves that the application answers its health path,
    not that the path asks anything of the application, and not whose application it is.
    ``timeout_s`` is wall-clock seconds over connection, request and answer together. An
    unreachable target is an answer, not an error. Raises nothing but cancellation.
    """
    return await concluded(_ask, target, timeout_s=timeout_s)


async def _ask(target: Target) -> ProbeResult:
    answer = await fetch(target, target.path)
    return well(str(answer)) if answer.ok else refusal(answer)


def refusal(answer: Answer) -> ProbeResult:
    """Return the result of an answer that is not 2xx, with the reason its body gives."""
    if 300 <= answer.status < 400:
        return ill(Reason.STATUS, f"{answer}: redirects to {answer.location or 'nowhere'}")
    said = _reason_in(answer.body)
    return ill(Reason.STATUS, f"{answer}: {said}" if said else str(answer))


async def fetch(target: Target, path: str, *, tls: ssl.SSLContext | None = None) -> Answer:
    """Ask for ``path`` once, on a connection of its own; by TLS where a context is given.

    Raises OSError or EOFError where there is no whole answer, AnswerError where it is not HTTP.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
    headers = [
        ("Host", str(target)),
        ("Connection", "close"),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
    ]
    try:
        request = connection.send(h11.Request(method="GET", target=path, headers=headers))
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise AnswerError(Reason.OTHER, f"cannot be asked for {path}: {error}") from error
    async with connected(target, tls=tls) as (reader, writer):
        writer.write((request or b"") + (connection.send(h11.EndOfMessage()) or b""))
        return await _answer(connection, reader)


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    head: h11.Response | None = None
    body = received = b""
    while len(body) < BODY_LIMIT:
        event = _next_event(connection, received)
        if event is h11.NEED_DATA:
            data = await reader.read(CHUNK)
            received += data
            _check(received)
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    if head is None:
        raise EOFError
    return _answer_of(head, body[:BODY_LIMIT])


def _answer_of(head: h11.Response, body: bytes) -> Answer:
    headers = {name: value.decode("latin-1") for name, value in head.headers}
    return Answer(
        status=head.status_code,
        phrase=bytes(head.reason).decode("latin-1"),
        content_type=headers.get(b"content-type", ""),
        location=headers.get(b"location", ""),
        body=body,
    )


def _next_event(
    connection: h11.Connection, received: bytes
) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
    try:
        return connection.next_event()
    except h11.RemoteProtocolError as error:
        if connection.their_state is h11.ERROR and connection.trailing_data[1]:
            raise EOFError from error  # it closed in the middle
        raise AnswerError(
            Reason.PROTOCOL, f"does not speak HTTP: {error}: {excerpt(received)}"
        ) from error


def _check(received: bytes) -> None:
    # h11 waits for a whole header block before it looks at it; a stranger never sends one.
    if not received[: len(_OPENING)].startswith(_OPENING[: len(received)]):
        raise AnswerError(Reason.PROTOCOL, f"does not speak HTTP: answers {excerpt(received)}")
    if len(received) > TOTAL_LIMIT:
        raise AnswerError(Reason.PROTOCOL, f"answers more than {TOTAL_LIMIT} bytes, and no body")


def _reason_in(body: bytes) -> str:
    """Return what a JSON body says of the cause, in a few words, or an empty string."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""  # HTML, or cut
    if not isinstance(document, dict):
        return ""
    words = [_words(document.get(key)) for key in ("detail", "status")]
    waiting = _words(document.get("waiting_for"))
    return ", ".join([*filter(None, words), *([f"waiting for {waiting}"] if waiting else [])])


def _words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):  # of names, or by name
        return ", ".join(item for item in value if isinstance(item, str))
    return ""
