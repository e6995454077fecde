"""Calls from one stand-in to another service: small JSON over HTTP/1.1, timed.

By h11, which uvicorn has loaded anyway: a full client would cost each stand-in 100 ms and 10 MB.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import h11

from alfred_dev.embedded.metrics import Meter
from alfred_dev.errors import AlfredError
from alfred_dev.probe.base import Target

TIMEOUT_S = 5.0
ANSWER_LIMIT = 4 * 1024 * 1024
_READ = 65536
_IDLE_S = 20.0  # servers close what is idle: ours after 30 s

OK, FAILED = "ok", "failed"


class PeerError(Exception):
    """The other service did not do what it was asked. ``status``: of HTTP, 0 for no answer."""

    def __init__(self, peer: str, status: int, message: str) -> None:
        super().__init__(f"{peer}: {message}")
        self.peer, self.status = peer, status


class Calls(Meter):
    """How long calls to others took, by peer, what for, and whether they went well."""

    @contextmanager
    def timed(self, peer: str, what: str) -> Iterator[None]:
        """Time a block; one that raises has failed."""
        began, outcome = time.perf_counter(), FAILED
        try:
            yield
            outcome = OK
        finally:
            self.add((peer, what, outcome), time.perf_counter() - began)


class Peer:
    """One other service. ``address``: where it is, or why that is not known."""

    def __init__(self, name: str, address: Target | str, calls: Calls) -> None:
        self.name, self.address, self.calls = name, address, calls
        self._idle: list[tuple[float, _Connection]] = []

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        """Return the JSON of the answer. Raises PeerError: no answer in time, or a bad status.

        ``what``: the name under which it is counted, empty for not at all.
        """
        if not what:
            return await self._call(method, path, body, headers or {}, timeout_s)
        with self.calls.timed(self.name, what):
            return await self._call(method, path, body, headers or {}, timeout_s)

    async def _call(
        self, method: str, path: str, body: object, headers: Mapping[str, str], timeout_s: float
    ) -> Any:
        if isinstance(self.address, str):
            raise PeerError(self.name, 0, self.address)
        data = b"" if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(timeout_s):
                status, answer = await self._ask(method, path, data, headers, self.address)
        except TimeoutError:
            raise PeerError(self.name, 0, f"no answer within {timeout_s:g} s") from None
        except (OSError, EOFError, h11.ProtocolError, AlfredError) as error:
            raise PeerError(self.name, 0, str(error) or type(error).__name__) from None
        return self._read(status, answer)

    def _read(self, status: int, answer: bytes) -> Any:
        if status >= 300:
            text = " ".join(answer.decode("utf-8", "replace").split())[:200]
            raise PeerError(self.name, status, f"HTTP {status}: {text}")
        try:
            return json.loads(answer) if answer else None
        except ValueError:
            raise PeerError(self.name, status, "the answer is not JSON") from None

    async def _ask(
        self, method: str, path: str, data: bytes, headers: Mapping[str, str], address: Target
    ) -> tuple[int, bytes]:
        while (kept := self._take()) is not None:
            # The other end may have hung up meanwhile; then a new connection has the same
            # question, which every peer of a stand-in can hear twice.
            with suppress(OSError, EOFError, h11.ProtocolError):
                return await self._on(kept, method, path, data, headers)
        fresh = await _Connection.open(address)
        return await self._on(fresh, method, path, data, headers)

    def _take(self) -> _Connection | None:
        now = time.monotonic()
        while self._idle:
            since, connection = self._idle.pop()
            if now - since < _IDLE_S:
                return connection
            connection.close()
        return None

    async def _on(
        self,
        connection: _Connection,
        method: str,
        path: str,
        data: bytes,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        done = False
        try:
            answer = await connection.ask(method, path, data, headers)
            done = connection.reusable()
        finally:
            if done:
                self._idle.append((time.monotonic(), connection))
            else:
                connection.close()
        return answer

    async def stream(self, path: str, body: object, *, what: str) -> AsyncIterator[bytes]:
        """Yield the pieces of a long answer as they come. Raises PeerError."""
        if isinstance(self.address, str):
            raise PeerError(self.name, 0, self.address)
        with self.calls.timed(self.name, what):
            try:
                connection = await _Connection.open(self.address)
                try:
                    data = json.dumps(body).encode()
                    async for piece in connection.pieces("POST", path, data, {}):
                        if connection.status >= 300:
                            self._read(connection.status, piece)
                        yield piece
                finally:
                    connection.close()
            except (OSError, EOFError, h11.ProtocolError) as error:
                raise PeerError(self.name, 0, str(error) or type(error).__name__) from None

    def close(self) -> None:
        """Hang up."""
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: Target
    ) -> None:
        self.reader, self.writer, self.host = reader, writer, str(address)
        self.http = h11.Connection(our_role=h11.CLIENT)
        self.status = 0

    @classmethod
    async def open(cls, address: Target) -> _Connection:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        return cls(reader, writer, address)

    async def ask(
        self, method: str, path: str, data: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        body = bytearray()
        async for piece in self.pieces(method, path, data, headers):
            body += piece
            if len(body) > ANSWER_LIMIT:
                raise h11.RemoteProtocolError("the answer is too large")
        return self.status, bytes(body)

    async def pieces(
        self, method: str, path: str, data: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[bytes]:
        told = [("host", self.host), ("content-type", "application/json")]
        told += [("content-length", str(len(data))), *headers.items()]
        events = (h11.Request(method=method, target=path, headers=told), h11.Data(data=data))
        self.writer.write(b"".join(self.http.send(e) or b"" for e in (*events, h11.EndOfMessage())))
        await self.writer.drain()
        self._hurry()
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                self.status = event.status_code
            elif isinstance(event, h11.Data):
                yield bytes(event.data)

    def _hurry(self) -> None:
        """Acknowledge at once what comes next.

        A server that writes its answer in two pieces with Nagle's algorithm on, as Google's
        emulator does, else waits 40 ms with the second.
        """
        sock = self.writer.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_QUICKACK"):  # Linux
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def _event(self) -> Any:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(_READ))
        if isinstance(event, h11.ConnectionClosed):
            raise EOFError("it hung up")
        return event

    def reusable(self) -> bool:
        """Tell whether another question may follow, and prepare for it."""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        return True

    def close(self) -> None:
        self.writer.close()
