"""What was told and came to nothing is told again: an emulator that dies takes its messages along.

A task that is stored is never lost: as long as it is queued it is published again, ever more
seldom. Who works on it must bear to hear of it twice.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.tasks import Task

if TYPE_CHECKING:
    from alfred_dev.embedded.task_store import TaskStore

FIRST_S, LONGEST_S = 3.0, 300.0
TICK_S = 1.0
AT_ONCE = 100  # tasks


@dataclass(slots=True)
class Due:
    """When each task is told again. Times are seconds of a clock that never goes back."""

    _next: dict[uuid.UUID, tuple[float, float]] = field(default_factory=dict)

    def take(self, waiting: Iterable[Task], now: float) -> list[Task]:
        """Return which of all that are ``waiting`` must be told now; forget all others."""
        before, self._next, taken = self._next, {}, []
        for task in waiting:
            at, pause_s = before.get(task.id, (now + FIRST_S, FIRST_S))
            if at <= now:
                taken.append(task)
                pause_s = min(pause_s * 2, LONGEST_S)
                at = now + pause_s
            self._next[task.id] = at, pause_s
        return taken

    def pause_s(self, now: float) -> float | None:
        """Return the seconds until the next one is due; None where nothing is waited for."""
        return min((max(at - now, 0.0) for at, _ in self._next.values()), default=None)


class Outbox:
    """The tasks of one service that nobody has finished; sleeps while there are none."""

    def __init__(self, store: Callable[[], TaskStore], publish: Callable[[Task], Awaitable[None]]):
        self._store, self._publish = store, publish
        self._new = asyncio.Event()
        self._due = Due()

    def put(self, task: Task) -> None:
        """Hear of a task that was stored and published."""
        self._new.set()

    async def run(self) -> None:
        """Publish again what must be; never returns."""
        pause_s: float | None = 0.0  # a former life may have left some
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._new.wait()
            await asyncio.sleep(TICK_S)
            pause_s = await self._look()

    async def _look(self) -> float | None:
        """Return the seconds until the next look; None where nothing is waited for."""
        self._new.clear()
        with suppress(RequestError):
            waiting = await self._store().waiting(AT_ONCE)
            for task in self._due.take(waiting, time.monotonic()):
                await self._publish(task)
            return self._due.pause_s(time.monotonic())
        return 0.0  # the database is away: then nobody works either
