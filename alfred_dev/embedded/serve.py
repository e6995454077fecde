"""uvicorn, made to sleep deeply and to end at once.

Fifteen of these run side by side: uvicorn's own loop wakes ten times a second to see whether it
should end (3 % of a core in all), and takes 0.1 s to notice and as long again to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence

from starlette.types import ASGIApp

from alfred_dev import garbage
from alfred_dev.embedded import lean

lean.uvicorn()

from uvicorn.config import Config  # noqa: E402 - prepared just now
from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: E402
from uvicorn.server import Server  # noqa: E402

log = logging.getLogger("alfred_dev.embedded")

TICK_S = 1.0  # for the Date header
GRACE_S = 0.3  # for requests that are being answered when the end comes
WEBSOCKET_BYTES = 64 * 1024  # of one message
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def configure_logging() -> None:
    """Log to stdout, a bare line each: the supervisor stamps them."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    # Its own start and stop lines, and warnings about upgrades to WebSocket, tell nothing.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


class SleepyServer(Server):
    """A uvicorn server that wakes once a second, and at once when it is to end."""

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str],
        what: str = "stand-in",
        http: type[asyncio.Protocol] = H11Protocol,
        *,
        websockets: bool = False,
    ) -> None:
        config = Config(
            app,
            http=http,
            ws="websockets-sansio" if websockets else "none",
            ws_max_size=WEBSOCKET_BYTES,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            headers=list(headers.items()),
            timeout_keep_alive=30,
        )
        super().__init__(config)
        self._what = what
        self._end = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM, SIGINT or ``end``."""
        with self._signals_end_it():
            await self._serve(sockets)

    def end(self) -> None:
        """End soon. Only to be called in the event loop."""
        self.should_exit = True
        self._end.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so in the log."""
        await super().startup(sockets)
        garbage.settle()
        places = (s.getsockname() for s in sockets or ())
        said = " ".join(p if isinstance(p, str) else f"{p[0]}:{p[1]}" for p in places)
        log.info("%s answers on %s", self._what, said)

    async def main_loop(self) -> None:
        """Do what must be done once a second, until the end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close idle connections now, and the others after ``GRACE_S`` seconds."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=GRACE_S)
            for task in late:
                task.cancel()

    @contextlib.contextmanager
    def _signals_end_it(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.end)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


async def serve(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    headers: Mapping[str, str],
    *,
    what: str = "stand-in",
    http: type[asyncio.Protocol] = H11Protocol,
    websockets: bool = False,
) -> None:
    """Serve ``app`` on listening ``sockets``, every answer with ``headers``, until a signal.

    ``what``: its name in the log; ``http``: what takes the connections;
    ``websockets``: whether some may be upgraded.
    """
    await SleepyServer(app, headers, what, http, websockets=websockets).serve(list(sockets))
