"""One HTTP/1.1 connection, event by event: h11 says what the bytes mean, this moves them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

CHUNK = 65_536
# Of a connection on which nobody asks anything.
IDLE_S = 75.0
MAX_HEAD = 32 * 1024  # as the gateway has it
LINGER_S = 1.0
MAX_ANSWER = 1 << 20
MAX_SOCKET_PATH = 100
AGENT = "alfred-dev"
LOOPBACK = "127.0.0.1"
Event = Any  # h11 gives its sentinels and events no common type
Role = type[h11.CLIENT] | type[h11.SERVER]


async def connect(to: int | str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a port of loopback, or to a unix socket. Raises OSError."""
    if isinstance(to, int):
        return await asyncio.open_connection(LOOPBACK, to)
    # A path over 107 bytes fails: from the folder that it lies in, it is short.
    short = os.path.relpath(to) if len(to) > MAX_SOCKET_PATH else to
    return await asyncio.open_unix_connection(short)


class Peer:
    """One end: events in, events out. After ``switched`` only bytes pass."""

    def __init__(
        self, role: Role, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=MAX_HEAD)
        self.reader, self.writer = reader, writer

    async def next_event(self, *, timeout_s: float | None = None) -> Event:
        """Return the next event. Raises h11.ProtocolError, OSError, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while (event := self.http.next_event()) is h11.NEED_DATA:
                if self.http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    await self.send(go_on)
                self.http.receive_data(await self.reader.read(CHUNK))
            return event

    async def wait_for_bytes(self, timeout_s: float) -> None:
        """Wait until something of the next event is here. Raises OSError, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            if not self.left_over():
                self.http.receive_data(await self.reader.read(CHUNK))

    def here(self) -> Event | None:
        """Return the next event if its bytes are here already. Raises h11.ProtocolError."""
        event = self.http.next_event()
        return None if event is h11.NEED_DATA or event is h11.PAUSED else event

    async def send(self, *events: Event) -> None:
        """Write events, in one piece. Raises h11.LocalProtocolError, OSError."""
        if data := b"".join(self.http.send(event) or b"" for event in events):
            self.writer.write(data)
            await self.writer.drain()

    def left_over(self) -> bytes:
        """Return what came behind the last event."""
        return bytes(self.http.trailing_data[0])

    async def linger(self) -> None:
        """Let who still sends hear our answer first: a close now would be a reset."""
        with contextlib.suppress(OSError, RuntimeError):
            async with asyncio.timeout(LINGER_S):
                self.writer.write_eof()
                while await self.reader.read(CHUNK):
                    pass

    def close(self) -> None:
        """Close; what was written is still sent."""
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.close()


async def send_answer(client: Peer, upstream: Peer, head: Event) -> Event:
    """Send the head of an answer with what of its body is here, in one packet.

    Returns the last event that was sent.
    """
    events = [head]
    while isinstance(events[-1], h11.Response | h11.Data):
        try:
            more = upstream.here()
        except h11.RemoteProtocolError:  # it breaks off: said when the next event is asked for
            break
        if not isinstance(more, h11.Data | h11.EndOfMessage):
            break
        events.append(more)
    await client.send(*events)
    return events[-1]


async def pipe(source: Peer, target: Peer, first: bytes) -> None:
    """Pass bytes on until ``source`` ends; then ``target`` hears the end."""
    with contextlib.suppress(OSError):
        data = first or await source.reader.read(CHUNK)
        while data:
            target.writer.write(data)
            await target.writer.drain()
            data = await source.reader.read(CHUNK)
        if target.writer.can_write_eof():
            target.writer.write_eof()


async def splice(one: Peer, other: Peer) -> None:
    """Pass bytes in both directions until both have ended."""
    await asyncio.gather(pipe(one, other, one.left_over()), pipe(other, one, other.left_over()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. ``headers``: names in lower case, the last of two wins."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch(
    url: str,
    *,
    method: str = "GET",
    document: object = None,
    headers: Mapping[str, str] | None = None,
    at: int | str = 0,
    timeout_s: float = 5.0,
) -> Answer:
    """Ask for ``url`` once; ``document`` goes as JSON. Follows no redirect.

    ``at``: the port of loopback, or the unix socket, that is asked instead of the URL's own.
    Raises OSError (TimeoutError among them) and h11.ProtocolError.
    """
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    async with asyncio.timeout(timeout_s):
        if at:
            reader, writer = await connect(at)
        else:
            reader, writer = await asyncio.open_connection(
                parts.hostname, port, ssl=ssl.create_default_context() if tls else None
            )
        peer = Peer(h11.CLIENT, reader, writer)
        try:
            return await ask(peer, parts.netloc, url, method, document, headers or {})
        finally:
            peer.close()


async def ask(
    peer: Peer,
    host: str,
    url: str,
    method: str = "GET",
    document: object = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once on an open connection."""
    parts = urlsplit(url)
    body = b"" if document is None else json.dumps(document).encode()
    sent = {"Host": host, "User-Agent": AGENT, "Connection": "close", **(headers or {})}
    if document is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    await peer.send(h11.Request(method=method, target=target, headers=list(sent.items())))
    if body:
        await peer.send(h11.Data(data=body))
    await peer.send(h11.EndOfMessage())
    return await _whole(peer)


async def _whole(peer: Peer) -> Answer:
    status, headers, body = 0, {}, b""
    while not isinstance(event := await peer.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
        if isinstance(event, h11.Response):
            status = event.status_code
            headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_ANSWER:
                raise h11.RemoteProtocolError("the answer is too large")
    if status == 0:
        raise h11.RemoteProtocolError("there was no answer")
    return Answer(status=status, headers=headers, body=body)
