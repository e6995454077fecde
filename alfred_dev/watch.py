"""Wait for health: ask every port over and over, each at its own pace, until all is well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from enum import Enum, auto

from alfred_dev import failure, status
from alfred_dev.plan import Endpoint, Plan
from alfred_dev.probe.base import ProbeResult
from alfred_dev.probe.run import probe
from alfred_dev.probe.targets import target_of
from alfred_dev.runtime.base import Observed
from alfred_dev.status import Health, ServiceStatus

PROBE_TIMEOUT_S = 2.0
# Seconds since the start -> seconds between two looks: short when most happens. Every look takes
# time from the services that are starting.
INTERVALS = ((1.0, 0.05), (8.0, 0.1), (float("inf"), 0.25))
# A definite failure must hold this long: a log-in may be refused while Postgres still starts.
SETTLE_S = 2.0


class End(Enum):
    """Why the waiting ended."""

    HEALTHY = auto()
    FAILURE = auto()
    TIME_OUT = auto()


async def watch(
    plan: Plan,
    names: Sequence[str],
    observe: Callable[[], Observed],
    show: Callable[[Sequence[ServiceStatus], float], None],
    *,
    starting: Collection[str] = (),
    began: float,
    deadline: float,
    go_on: Callable[[Sequence[ServiceStatus]], Sequence[str]] = lambda _: (),
) -> tuple[tuple[ServiceStatus, ...], End]:
    """Wait until all of ``names`` are healthy, a failure is definite, or the deadline.

    ``starting``: what was only just started; ``began`` and ``deadline`` are of
    ``time.monotonic``; ``show`` gets every state on the way; ``go_on`` starts what may start now,
    and returns it.
    """
    asked = _Asked(plan, [e for e in plan.endpoints if e.service in names], starting, began)
    definite_since: float | None = None
    try:
        while True:
            observed = observe()
            statuses = status.assess(plan, observed, asked.results, names)
            asked.follow(observed, awaited(statuses))
            now = time.monotonic()
            show(statuses, now - began)
            if started := await asyncio.to_thread(go_on, statuses):
                asked.forget(started)
                continue
            if asked.developers_too() and status.all_well(statuses):
                return statuses, End.HEALTHY
            definite_since = (definite_since or now) if settled(statuses) else None
            if definite_since is not None and now - definite_since >= SETTLE_S:
                return statuses, End.FAILURE
            if now >= deadline:
                return statuses, End.TIME_OUT
            await asked.answers(interval(now - began))
    finally:
        await asked.end()


def interval(elapsed_s: float) -> float:
    """Return the pause between two looks, in seconds."""
    return next(pause for until, pause in INTERVALS if elapsed_s < until)


def awaited(statuses: Sequence[ServiceStatus]) -> set[str]:
    """Return what was asked for and is not healthy yet."""
    return {s.id for s in statuses if s.selected and s.health is not Health.HEALTHY}


def settled(statuses: Sequence[ServiceStatus]) -> bool:
    """Tell whether waiting is vain: every service that is ill is definitely so, or blocked."""
    ill = [s for s in statuses if s.selected and s.health is not Health.HEALTHY]
    definite = {s.id for s in ill if failure.is_definite(s)}
    return bool(definite) and all(s.id in definite or definite & set(s.blocked_by) for s in ill)


class _Asked:
    """One task a port: a port that is slow to answer holds nobody else up.

    A port is asked only while a process of ours listens there, and no more once it is well. Of a
    service that is just starting it is asked only when what it depends on is healthy: before that
    it cannot be, and asking would take time from those that start.
    """

    def __init__(
        self, plan: Plan, endpoints: Sequence[Endpoint], starting: Collection[str], began: float
    ) -> None:
        self.plan = plan
        self.endpoints = endpoints
        self.starting = starting
        self.began = began
        self.results: dict[int, ProbeResult] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.developers = {e.listen for e in endpoints if plan[e.service].by_developer}

    def follow(self, observed: Observed, ill: Collection[str]) -> None:
        """Begin to ask ports that may be well by now, forget those nobody listens on any more."""
        listening = {port for r in observed.services.values() for port in r.ports}
        listening |= self.developers
        for endpoint in self.endpoints:
            if endpoint.listen not in listening:
                self.results.pop(endpoint.port, None)
                if task := self.tasks.pop(endpoint.port, None):
                    task.cancel()
            elif endpoint.port not in self.tasks and not self._waits(endpoint.service, ill):
                self.tasks[endpoint.port] = asyncio.create_task(self._ask(endpoint))

    def forget(self, names: Collection[str]) -> None:
        """Ask services anew: what answered before was started by somebody else."""
        for endpoint in self.endpoints:
            if endpoint.service in names:
                self.results.pop(endpoint.port, None)
                if task := self.tasks.pop(endpoint.port, None):
                    task.cancel()

    def developers_too(self) -> bool:
        """Tell whether every process that the developer runs has been asked at least once."""
        return self.developers <= self.results.keys()

    def _waits(self, service: str, ill: Collection[str]) -> bool:
        below = self.plan[service].depends_on
        return service in self.starting and any(name in ill for name in below)

    async def _ask(self, endpoint: Endpoint) -> None:
        target = target_of(endpoint, self.plan.settings)
        while True:
            result = await probe(target, timeout_s=PROBE_TIMEOUT_S)
            self.results[endpoint.port] = result
            if result.ok:
                return
            await asyncio.sleep(interval(time.monotonic() - self.began))

    async def answers(self, timeout_s: float) -> None:
        """Wait until everybody who is being asked is well, at most ``timeout_s`` seconds."""
        asking = [task for task in self.tasks.values() if not task.done()]
        if asking:
            await asyncio.wait(asking, timeout=timeout_s)
        else:
            await asyncio.sleep(timeout_s)

    async def end(self) -> None:
        """Cancel what is still asking."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
