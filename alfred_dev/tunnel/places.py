"""The open connections of one front: so many at once, and none for long without a whole request.

Behind a provider all callers come from one address, so nothing is counted by address: when all
places are taken, who has kept us waiting longest loses its own to the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from alfred_dev.tunnel.wire import IDLE_S, Event, Peer

MAX_CONNECTIONS = 512
# A whole head, from its first byte on, and the first of a connection from its start on.
HEAD_S = 10.0
# Between two pieces of a body.
BODY_S = 30.0


@dataclass(slots=True)
class Places:
    """Who is connected, and since when each keeps us waiting."""

    _open: dict[Peer, asyncio.Task[None]] = field(default_factory=dict)
    _waiting: dict[Peer, float] = field(default_factory=dict)

    def take(self, client: Peer, task: asyncio.Task[None]) -> bool:
        """Give ``client`` a place; False when every one is at work."""
        if len(self._open) >= MAX_CONNECTIONS:
            if not self._waiting:
                return False
            slowest = min(self._waiting, key=self._waiting.__getitem__)
            self._open[slowest].cancel()
            self.leave(slowest)
        self._open[client] = task
        return True

    def leave(self, client: Peer) -> None:
        """Take the place back."""
        self._open.pop(client, None)
        self._waiting.pop(client, None)

    async def clear(self) -> None:
        """Cut every connection."""
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def head(self, client: Peer, *, first: bool) -> Event:
        """Return the next request's head. Raises as ``Peer.next_event`` does."""
        if not first:
            await self._hear(client, client.wait_for_bytes(IDLE_S))
        return await self._hear(client, client.next_event(timeout_s=HEAD_S))

    async def piece(self, client: Peer) -> Event:
        """Return the next piece of a body. Raises as ``Peer.next_event`` does."""
        return await self._hear(client, client.next_event(timeout_s=BODY_S))

    async def _hear(self, client: Peer, coming: Coroutine[Any, Any, Event]) -> Event:
        if client in self._open:
            self._waiting[client] = time.monotonic()
        try:
            return await coming
        finally:
            self._waiting.pop(client, None)
