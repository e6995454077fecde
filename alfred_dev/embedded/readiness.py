"""Is everything that a service depends on reachable? Asked seldom, answered often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alfred_dev.embedded.spec import Ask
from alfred_dev.errors import UsageError
from alfred_dev.probe.base import Target
from alfred_dev.probe.run import probe

CACHE_S = 1.0
HEALTH_TIMEOUT_S = 1.0
READY_TIMEOUT_S = 2.0
RETRY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one dependency said. ``latency_ms``: milliseconds of the whole conversation."""

    service: str
    ok: bool
    detail: str
    latency_ms: float


@dataclass(frozen=True, slots=True)
class State:
    """What all dependencies said at one moment."""

    answers: tuple[Answer, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every dependency is reachable."""
        return all(answer.ok for answer in self.answers)

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Return the dependencies that are not."""
        return tuple(answer.service for answer in self.answers if not answer.ok)

    @property
    def detail(self) -> str:
        """Return why we wait, in one line."""
        return "; ".join(f"{a.service}: {a.detail}" for a in self.answers if not a.ok)


Asker = Callable[[float], Coroutine[Any, Any, State]]


def asker(asks: Sequence[Ask], environ: Mapping[str, str]) -> Asker:
    """Return what asks all of ``asks`` at once, within the seconds it is given.

    Addresses are taken from ``environ`` now, as a real service would at its start.
    """
    questions = [(ask.service, address(ask, environ)) for ask in asks]

    async def ask_all(timeout_s: float) -> State:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_ask(s, t, timeout_s)) for s, t in questions]
        return State(tuple(task.result() for task in tasks))

    return ask_all


def address(ask: Ask, environ: Mapping[str, str]) -> Target | str:
    """Return whom to ask, or why that is not known."""
    url = environ.get(ask.variable, "")
    if not url:
        return f"{ask.variable} is not set"
    try:
        project = environ.get("ALFRED_PROJECT_ID", "")
        return Target.from_url(ask.probe, url, path=ask.path, project=project)
    except UsageError as error:
        return f"{ask.variable} cannot be read: {error.cause}"


async def _ask(service: str, target: Target | str, timeout_s: float) -> Answer:
    if isinstance(target, str):
        return Answer(service=service, ok=False, detail=target, latency_ms=0.0)
    result = await probe(target, timeout_s=timeout_s)
    return Answer(
        service=service,
        ok=result.ok,
        detail=result.detail,
        latency_ms=round(result.latency_ms, 2),
    )


class Readiness:
    """The last known state, at most ``CACHE_S`` seconds old when it is handed out.

    However many ask at a time, the dependencies are asked once.
    """

    def __init__(self, ask: Asker) -> None:
        self._ask = ask
        self._known: State | None = None
        self._known_at = 0.0
        self._flight: asyncio.Task[State] | None = None

    @property
    def known(self) -> State | None:
        """Return the last state without asking anybody; None before the first."""
        return self._known

    async def state(self) -> State:
        """Return a state that is at most ``CACHE_S`` seconds old."""
        fresh = asyncio.get_running_loop().time() - self._known_at < CACHE_S
        if self._known is not None and fresh:
            return self._known
        return await self._refresh()

    async def ask_now(self) -> State:
        """Ask all dependencies now, with patience."""
        return self._learn(await self._ask(READY_TIMEOUT_S))

    async def watch(self) -> None:
        """Ask again and again until all is well for the first time; afterwards nothing runs."""
        while not (await self._refresh()).ok:
            await asyncio.sleep(RETRY_S)

    async def _refresh(self) -> State:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fly())
        # One who goes away must not take the answer from the others.
        return await asyncio.shield(self._flight)

    async def _fly(self) -> State:
        return self._learn(await self._ask(HEALTH_TIMEOUT_S))

    def _learn(self, state: State) -> State:
        self._known, self._known_at = state, asyncio.get_running_loop().time()
        return state
