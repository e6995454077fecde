"""``python -m alfred_dev.embedded.relay FROM=TO...``: pass bytes on, between TCP and unix sockets.

A place is ``tcp:HOST:PORT`` or ``unix:PATH``. In a container it owns the name and port of a service
that the developer runs; on the machine it leads from a socket, which the container mounts, to the
developer's port on loopback. Nothing else of the machine can be reached through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.embedded.serve import configure_logging
from alfred_dev.errors import UsageError

CHUNK = 65_536
CONNECT_TIMEOUT_S = 5.0
log = logging.getLogger("alfred_dev.embedded")
Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen or connect: a path, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read ``tcp:HOST:PORT`` or ``unix:PATH``. Raises UsageError."""
        kind, _, rest = text.partition(":")
        host, _, port = rest.rpartition(":")
        if kind == "unix" and rest.startswith("/"):
            return cls(path=rest)
        if kind == "tcp" and host and port.isdecimal():
            return cls(host=host, port=int(port))
        raise UsageError(
            "usage", f"{text} is no place", cause="expected tcp:HOST:PORT or unix:PATH"
        )

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    async def connect(self) -> Pipe:
        """Connect; raises OSError or TimeoutError."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if self.path:
                return await asyncio.open_unix_connection(self._near)
            return await asyncio.open_connection(self.host, self.port)

    @property
    def _near(self) -> str:
        """The path, from here where that is shorter: the system takes 107 bytes of one."""
        return min(self.path, os.path.relpath(self.path), key=len)

    async def listen(self, target: Place) -> asyncio.Server:
        """Pass everything that comes here on to ``target``."""

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _meet((reader, writer), target)

        if not self.path:
            return await asyncio.start_server(meet, self.host, self.port)
        path = Path(self.path)
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(meet, self._near)
        path.chmod(0o666)  # a container's user is another; the folder above is closed to others
        return server


async def _meet(near: Pipe, target: Place) -> None:
    try:
        far = await target.connect()
    except (OSError, TimeoutError) as error:
        log.info("nobody answers on %s: %s", target, error)
        near[1].close()
        return
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_pass_on(near[0], far[1]))
            both.create_task(_pass_on(far[0], near[1]))
    finally:
        near[1].close()
        far[1].close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and tell the other side of the end: half-open connections stay open."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            return
    writer.close()


async def relay(pairs: Sequence[tuple[Place, Place]]) -> None:
    """Serve every pair until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    servers = [await near.listen(far) for near, far in pairs]
    log.info("passes on %s", ", ".join(f"{near} to {far}" for near, far in pairs))
    await ended.wait()
    for server in servers:
        server.close()


def main(arguments: Sequence[str]) -> int:
    """Run; return the exit code."""
    configure_logging()
    os.umask(0o077)
    try:
        parts = (argument.partition("=") for argument in arguments)
        asyncio.run(relay([(Place.parse(near), Place.parse(far)) for near, _, far in parts]))
    except UsageError as error:
        log.error("%s: %s", error.what, error.cause)
        return error.exit_code
    except OSError as error:
        log.error("cannot listen: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
