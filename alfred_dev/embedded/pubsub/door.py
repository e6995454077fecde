"""One port for two protocols: the first bytes of a connection tell gRPC from HTTP/1.

gRPC is passed on, byte by byte, to the gRPC server on a private socket: its library takes no
connection that somebody else has accepted.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_TELLING = 3  # bytes that no HTTP/1 method begins with
_BUFFER = 1024 * 1024  # bytes on their way in one direction

Connect = Callable[[Callable[[], asyncio.Protocol]], Awaitable[object]]


@contextmanager
def private_address() -> Iterator[tuple[str, str]]:
    """Yield an address that nobody else knows, for gRPC to listen on and for us to connect to."""
    if sys.platform == "linux":  # a name that leaves nothing behind, however we end
        name = f"alfred-dev-{secrets.token_hex(16)}"
        yield f"unix-abstract:{name}", f"\0{name}"
        return
    with tempfile.TemporaryDirectory(prefix="alfred-") as folder:
        path = str(Path(folder, "grpc"))
        yield f"unix:{path}", path


def door(inner: str) -> type[asyncio.Protocol]:
    """Return the protocol of a listening port. ``inner``: where the gRPC server listens."""

    class Door(_Door):
        address = inner

    return Door


class _Door(asyncio.Protocol):
    """Waits for the first bytes, and hands the connection on to who can read them."""

    address = ""

    def __init__(self, **web: Any) -> None:
        self.web, self.seen = web, b""
        self.state = web["server_state"]
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.state.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.state.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head = self.seen[:_TELLING]
        if not PREFACE.startswith(head):
            self._become(H11Protocol(**self.web))
        elif len(head) == _TELLING:
            self._become(_Pipe(self.address, self.state))

    def shutdown(self) -> None:
        """Close: the server ends."""
        self.transport.close()

    def _become(self, protocol: asyncio.Protocol) -> None:
        self.state.connections.discard(self)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(self.seen)


class _Half(asyncio.Protocol):
    """One end of a pipe. It reads only as fast as the other end can write."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.other: _Half | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.transport.set_write_buffer_limits(high=_BUFFER)

    def join(self, other: _Half) -> None:
        """Send to ``other`` what comes, and what has come."""
        self.other = other
        other.transport.write(b"".join(self.early))
        self.early.clear()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early.append(data)
        else:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()


class _Pipe(_Half):
    """The client's end of a gRPC connection."""

    def __init__(self, address: str, state: Any) -> None:
        super().__init__()
        self.address, self.state = address, state
        self.connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.state.connections.add(self)
        self.transport.pause_reading()
        self.connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.state.connections.discard(self)

    def shutdown(self) -> None:
        """Close: the server ends."""
        self.transport.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, inner = await loop.create_unix_connection(_Half, self.address)
        except OSError:  # no descriptors left, or it is just ending
            self.transport.abort()
            return
        if self.transport.is_closing():
            inner.transport.close()
            return
        inner.join(self)
        self.join(inner)
        self.transport.resume_reading()
