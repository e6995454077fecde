"""Where every tunnel ends: a small proxy on loopback that asks the guard about each request.

What it lets through passes unchanged: bytes of bodies as they come, header lines in their order
and spelling. It changes Host, an Origin that is its own, and who is said to call (X-Forwarded-*).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h11

from alfred_dev.tunnel import guard, heads
from alfred_dev.tunnel.guard import Refusal
from alfred_dev.tunnel.model import TunnelSpec
from alfred_dev.tunnel.places import Places
from alfred_dev.tunnel.signatures import SENDERS
from alfred_dev.tunnel.wire import LOOPBACK, Event, Peer, connect, send_answer, splice

CONNECT_S = 5.0
GONE_POLL_S = 1.0
# Of all bodies that wait for their signature to be checked.
MAX_BUFFERED = 64 << 20
BAD_GATEWAY = Refusal(
    status=502, code="tunnel-upstream-down", message="the service behind this tunnel is down"
)
BAD_REQUEST = Refusal(status=400, code="bad-request", message="this is no proper HTTP request")
TOO_LARGE = Refusal(status=413, code="too-large", message="this body is too large to be checked")
BUSY = Refusal(status=503, code="busy", message="too much at once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One answered request, for the list of requests: no query, no header, no body."""

    method: str
    path: str
    status: int
    ms: float
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Front:
    """The proxy of one tunnel.

    ``url``: its public URL, once known; ``mounts``: path -> port of the fronts that lie below it;
    ``healthy``: answers the front's own health path; ``seen`` hears of each request.
    """

    spec: TunnelSpec
    secret: str
    clock: Callable[[], float]
    healthy: Callable[[], Awaitable[Mapping[str, object]]]
    seen: Callable[[Seen], None]
    mounts: Callable[[], Mapping[str, int]] = dict
    url: str = ""
    _server: asyncio.Server | None = None
    _places: Places = field(default_factory=Places)
    _buffered: int = 0

    async def start(self) -> int:
        """Listen; return the port. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.spec.port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
        await self._places.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Peer(h11.SERVER, reader, writer)
        task = asyncio.current_task()
        if task is None or not self._places.take(client, task):
            return client.close()
        try:
            await self._serve(client)
        except (OSError, h11.ProtocolError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._places.leave(client)
            client.close()
        return None

    async def _serve(self, client: Peer) -> None:
        """Answer requests until one of them ends the connection."""
        first = True
        while True:
            try:
                head = await self._places.head(client, first=first)
            except h11.RemoteProtocolError:
                with contextlib.suppress(h11.LocalProtocolError):
                    await self._refuse(client, BAD_REQUEST, "?", "?", time.monotonic())
                return await client.linger()
            if not isinstance(head, h11.Request):
                return None  # it has gone
            await self._answer(client, head)
            if client.http.our_state is h11.MUST_CLOSE and client.http.their_state is not h11.DONE:
                return await client.linger()
            if client.http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                return None
            client.http.start_next_cycle()
            first = False

    async def _answer(self, client: Peer, head: Event) -> None:
        began = time.monotonic()
        method, target = head.method.decode("ascii"), head.target.decode("latin-1")
        path = target.partition("?")[0]
        if path == self.spec.health_url:
            return await self._say_health(client)
        mounted = heads.mounted(target, self.mounts())
        if mounted is not None:
            port, rest = mounted
            whole = h11.Request(method=head.method, target=rest, headers=head.headers.raw_items())
            return await self._forward(client, whole, port, path, began)
        pairs = heads.pairs(head)
        caller = guard.client_of(pairs, trusted=self.spec.trusts_client)
        refusal = guard.judge(
            method, target, dict(pairs), spec=self.spec, client=caller, now=self.clock()
        )
        body = b""
        if refusal is None and self.spec.guard.verify:
            refusal, body = await self._verified(client, dict(pairs))
        if refusal is not None:
            return await self._refuse(client, refusal, method, path, began)
        request = heads.outgoing(head, self.spec, self.url, caller)
        checked = body if self.spec.guard.verify else None
        to = str(Path(self.spec.home, self.spec.socket)) if self.spec.socket else self.spec.upstream
        return await self._forward(client, request, to, path, began, checked)

    async def _verified(
        self, client: Peer, headers: Mapping[str, str]
    ) -> tuple[Refusal | None, bytes]:
        """Read the whole body and check its signature."""
        sender = SENDERS[self.spec.guard.verify]
        body = bytearray()
        try:
            while not isinstance(event := await self._places.piece(client), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    return BAD_REQUEST, b""
                body += event.data
                self._buffered += len(event.data)
                if len(body) > sender.limit:
                    return TOO_LARGE, b""
                if self._buffered > MAX_BUFFERED:
                    return BUSY, b""
        finally:
            self._buffered -= len(body)
        why = sender.check(headers, bytes(body), self.secret, self.clock())
        if why:
            return Refusal(status=401, code="bad-signature", message=why), b""
        return None, bytes(body)

    async def _forward(
        self,
        client: Peer,
        request: Event,
        to: int | str,
        path: str,
        began: float,
        body: bytes | None = None,
    ) -> None:
        """Pass a request on, and its answer back, both as they come."""
        method = request.method.decode("ascii")
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await connect(to)
        except (OSError, TimeoutError):
            return await self._refuse(client, BAD_GATEWAY, method, path, began)
        upstream = Peer(h11.CLIENT, reader, writer)
        try:
            status = await self._exchange(client, upstream, request, body)
        finally:
            upstream.close()
        if status == 0 and client.writer.is_closing():
            return self._note(method, path, 408, began, "stalled")
        if status == 0:
            return await self._refuse(client, BAD_GATEWAY, method, path, began)
        self._note(method, path, status, began)
        return None

    async def _exchange(
        self, client: Peer, upstream: Peer, request: Event, body: bytes | None
    ) -> int:
        """Return the status of the answer; 0 when the service gave none."""
        try:
            await upstream.send(request)
        except OSError:
            return 0
        sending = asyncio.create_task(self._send_body(client, upstream, body))
        watching = asyncio.create_task(_cut_when_gone(client, upstream, sending))
        try:
            status = await self._relay(client, upstream)
            watching.cancel()
            if status == 101:
                await sending
                await splice(client, upstream)
            return status
        finally:
            watching.cancel()
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, h11.ProtocolError):
                await sending

    async def _send_body(self, client: Peer, upstream: Peer, body: bytes | None) -> None:
        if body is not None:  # it was read already
            if body:
                await upstream.send(h11.Data(data=body))
            return await upstream.send(h11.EndOfMessage())
        while True:
            try:
                event = await self._places.piece(client)
            except TimeoutError:
                client.writer.transport.abort()
                raise
            if event is h11.PAUSED:
                return None
            if not isinstance(event, h11.Data | h11.EndOfMessage):
                raise h11.RemoteProtocolError("the caller has gone")
            await upstream.send(event)
            if isinstance(event, h11.EndOfMessage):
                return None

    async def _relay(self, client: Peer, upstream: Peer) -> int:
        """Pass the answer back; return its status."""
        status = 0
        while True:
            try:
                event = await upstream.next_event()
            except (OSError, h11.RemoteProtocolError):
                if status == 0:
                    return 0
                raise  # half an answer: the connection is cut, so that the caller sees it
            switches = getattr(event, "status_code", 0) == 101
            if isinstance(event, h11.Response) or switches:
                status = event.status_code
                event = heads.incoming(event, self.spec, self.url)
            if isinstance(event, h11.Response):
                event = await send_answer(client, upstream, event)
            elif isinstance(event, h11.Data | h11.EndOfMessage) or switches:
                await client.send(event)
            if switches or isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return status

    async def _say_health(self, client: Peer) -> None:
        found = await self.healthy()
        await _reply(client, 200 if found.get("ok") else 503, json.dumps(found).encode(), [])

    async def _refuse(
        self, client: Peer, refusal: Refusal, method: str, path: str, began: float
    ) -> None:
        more = (
            [("WWW-Authenticate", 'Basic realm="alfred-dev tunnel"')] if refusal.challenge else []
        )
        document = {"error": {"code": refusal.code, "message": refusal.message}}
        self._note(method, path, refusal.status, began, refusal.code)
        await _reply(client, refusal.status, json.dumps(document).encode(), more)

    def _note(self, method: str, path: str, status: int, began: float, note: str = "") -> None:
        ms = (time.monotonic() - began) * 1000
        self.seen(Seen(method=method, path=path, status=status, ms=ms, note=note))


async def _cut_when_gone(client: Peer, upstream: Peer, sending: asyncio.Task[None]) -> None:
    """End a stream that nobody reads any more: the service shall not go on for nobody."""
    await asyncio.wait([sending])
    while not client.reader.at_eof():
        await asyncio.sleep(GONE_POLL_S)
    upstream.writer.transport.abort()


async def _reply(client: Peer, status: int, body: bytes, more: list[tuple[str, str]]) -> None:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *more,
    ]
    if client.http.their_state is not h11.DONE:
        headers.append(("Connection", "close"))
    await client.send(h11.Response(status_code=status, headers=headers))
    await client.send(h11.Data(data=body))
    await client.send(h11.EndOfMessage())
