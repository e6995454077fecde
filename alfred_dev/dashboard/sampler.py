"""Looks at everything: every second while somebody watches, when Prometheus asks, rarely else.

One look for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alfred_dev import lifecycle
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.dashboard import ask, figures
from alfred_dev.dashboard.figures import Reading, Traffic
from alfred_dev.dashboard.history import History, Sample
from alfred_dev.dashboard.seen import View
from alfred_dev.errors import AlfredError
from alfred_dev.host import processes, usage
from alfred_dev.host.usage import Clocks, Usage
from alfred_dev.hostnames import DASHBOARD
from alfred_dev.pki import certificates
from alfred_dev.plan import LOOPBACK, PlannedService
from alfred_dev.render.gateway.world import GATEWAY
from alfred_dev.render.prometheus import EXPOSING_TIERS, statistics
from alfred_dev.report import tunnels
from alfred_dev.stack import Stack
from alfred_dev.status import ServiceStatus
from alfred_dev.tunnel import state as tunnel_state

log = logging.getLogger("alfred_dev.dashboard")

WATCHED_S, ALONE_S = 1.0, 20.0  # alone: as long as nobody asks at all
FRESH_S = 1.0  # what Prometheus gets is so young
FIGURES_WATCHED_S, FIGURES_ALONE_S = 2.0, 30.0
HISTORY_S = 10.0
WINDOW_S = 60.0
HEAT_COLUMNS = 90
PULSE_S = 0.2  # how often somebody who watches has it looked whether a process has ended
ASKED_ALL_DAY = ("/", "/ready", "/metrics")
Compose = Callable[[], Stack]


@dataclass(slots=True)
class _Known:
    """What one look leaves for the next."""

    at: float
    usage: Mapping[str, Usage]
    clocks: Clocks


class Sampler:
    """``compose``: makes the stack anew when what it was made from has changed;
    ``authority``: the file of the CA that signs this checkout's certificates."""

    def __init__(
        self, compose: Compose, stack: Stack, history: History, authority: Path | None = None
    ) -> None:
        self.compose, self.stack, self.history = compose, stack, history
        self.authority = authority
        self._limits: dict[int, int | None] = {}
        self.view: View | None = None
        self.watchers = 0
        self._changed = asyncio.Condition()
        self._hurry = asyncio.Event()
        self._made_from = _fingerprint(stack)
        self._before: _Known | None = None
        self._readings: dict[str, deque[Reading]] = {}
        self._kept_at = self._figures_at = 0.0
        self.heat: deque[tuple[float, tuple[int, ...]]] = deque(maxlen=HEAT_COLUMNS)

    async def run(self) -> None:
        """Look for ever. What goes wrong in one look is said, and does not end it."""
        while True:
            began = time.monotonic()
            try:
                await self._look()
            except (AlfredError, OSError, ValueError) as error:
                log.warning("cannot look: %s", str(error).replace("\n", " "))
            await self._rest(began)
            self._hurry.clear()

    async def _rest(self, began: float) -> None:
        """Wait until the next look is due. That a process has ended is seen at once, if watched."""
        least = time.monotonic() + PULSE_S
        while not self._hurry.is_set():
            now, watched = time.monotonic(), self.watchers > 0
            left = max(began + (WATCHED_S if watched else ALONE_S), least) - now
            if left <= 0 or (watched and now >= least and self._somebody_ended()):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, PULSE_S) if watched else left):
                    await self._hurry.wait()

    def _somebody_ended(self) -> bool:
        pids = [s.running.pid for s in self.view.statuses if s.running.pid] if self.view else []
        return any(not processes.exists(pid) for pid in pids)

    @contextlib.contextmanager
    def watched(self) -> Any:
        """Look often as long as this lasts."""
        self.watchers += 1
        self._hurry.set()
        try:
            yield
        finally:
            self.watchers -= 1

    async def next(self, after: float) -> View:
        """Return the first view that is younger than ``after``."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.view is not None and self.view.at > after)
            assert self.view is not None  # noqa: S101 - what was just waited for
            return self.view

    async def fresh(self, patience_s: float) -> View | None:
        """Return a view of this moment; the last one when looking takes longer than
        ``patience_s`` seconds, None before the first.
        """
        if self.view is not None and time.time() - self.view.at > FRESH_S:
            self._hurry.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    return await self.next(time.time() - FRESH_S)
        return self.view

    async def _look(self) -> None:
        await self._compose()
        stack, now = self.stack, time.time()
        statuses, used = await asyncio.to_thread(_look, stack)
        clocks = usage.clocks()
        await self._figures(stack, now)
        view = View(
            at=now,
            plan=stack.plan,
            statuses=statuses,
            usage=used,
            cpu=self._cpu(used, now),
            traffic=self._traffic(now),
            calls=self._calls(now),
            certificates=_certificates(stack.workspace.root / "certs", self.authority),
            tunnels=tuple(tunnels.rows(tunnel_state.live(stack.workspace.home, now).values())),
            resources=self._resources(stack, clocks),
            processors=usage.processors(),
            limits=self._memory_limits(statuses),
            heat=self.heat[-1] if self.heat else None,
        )
        self._before = _Known(now, used, clocks)
        if now - self._kept_at >= HISTORY_S:
            self._kept_at = now
            await asyncio.to_thread(self.history.add, samples(view), now)
        async with self._changed:
            self.view = view
            self._changed.notify_all()

    async def _compose(self) -> None:
        made_from = _fingerprint(self.stack)
        if made_from != self._made_from:
            self.stack = await asyncio.to_thread(self.compose)
            self._made_from = made_from

    async def _figures(self, stack: Stack, now: float) -> None:
        every = FIGURES_WATCHED_S if self.watchers else FIGURES_ALONE_S
        if now - self._figures_at < every - 0.1:
            return
        self._figures_at = now
        asked = [s for s in stack.plan.services if exposes(s)]
        texts = await asyncio.gather(*(ask.metrics(LOOPBACK, s.endpoints[0].port) for s in asked))
        for service, text in zip(asked, texts, strict=True):
            if text:
                quiet = {*ASKED_ALL_DAY, *(e.path for e in service.endpoints)}
                self._keep(service.id, figures.read(text, now, quiet))
        if GATEWAY in stack.plan.ids:
            door = statistics(stack.plan[GATEWAY]).port
            if text := await ask.forwarded(LOOPBACK, door):
                services = {*stack.plan.ids} - {DASHBOARD}
                self._keep(GATEWAY, figures.read_gateway(text, now, services))
        # Not what the gateway says: that is in what the services say already.
        own = [kept for name, kept in self._readings.items() if name != GATEWAY]
        last = [(kept[-2], kept[-1]) for kept in own if len(kept) > 1]
        self.heat.append((now, figures.heat([(o, n) for o, n in last if n.at == now])))

    def _keep(self, name: str, reading: Reading) -> None:
        self._readings.setdefault(name, deque(maxlen=40)).append(reading)

    def _pairs(self, now: float) -> dict[str, tuple[Reading, Reading]]:
        found = {}
        for name, kept in self._readings.items():
            old = figures.window(kept, now, WINDOW_S)
            if old is not None and old is not kept[-1]:
                found[name] = (old, kept[-1])
        return found

    def _traffic(self, now: float) -> dict[str, Traffic]:
        return {name: figures.traffic(*pair) for name, pair in self._pairs(now).items()}

    def _calls(self, now: float) -> dict[str, dict[str, Traffic]]:
        return {name: figures.calls(*pair) for name, pair in self._pairs(now).items()}

    def _resources(self, stack: Stack, clocks: Clocks) -> dict[str, float]:
        found = usage.ratios(stack.workspace.root)
        busy = clocks.ratio(self._before.clocks) if self._before else None
        return {**found, "cpu": busy} if busy is not None else found

    def _memory_limits(self, statuses: tuple[ServiceStatus, ...]) -> dict[str, int]:
        """Return what each service may have: its container's limit, else all that there is."""
        pids = {s.id: s.running.pid for s in statuses if s.running.pid}
        known = self._limits
        self._limits = {p: known[p] if p in known else usage.memory_limit(p) for p in pids.values()}
        total = usage.memory_total()
        return {name: min(self._limits[pid] or total, total) for name, pid in pids.items()}

    def _cpu(self, used: Mapping[str, Usage], now: float) -> dict[str, float]:
        old = self._before
        if old is None or now <= old.at:
            return {}
        return {
            name: max(0.0, use.cpu_s - old.usage[name].cpu_s) / (now - old.at)
            for name, use in used.items()
            if name in old.usage
        }


def exposes(service: PlannedService) -> bool:
    """Tell whether a service has figures of its own under ``/metrics``."""
    probed = any(e.probe is ProbeKind.HTTP for e in service.endpoints[:1])
    return service.definition.tier in EXPOSING_TIERS and probed


def _look(stack: Stack) -> tuple[tuple[ServiceStatus, ...], dict[str, Usage]]:
    statuses = lifecycle.look(stack)
    pids = {s.id: s.running.pid for s in statuses if s.running.pid}
    used = usage.of_trees(pids.values())
    return statuses, {name: used[pid] for name, pid in pids.items() if pid in used}


def samples(view: View) -> list[Sample]:
    """Return what is kept of a view."""
    return [_sample(status, view) for status in view.statuses if status.selected]


def _sample(status: ServiceStatus, view: View) -> Sample:
    told, used = view.traffic.get(status.id), view.usage.get(status.id)
    latencies = [e.latency_ms for e in status.endpoints if e.latency_ms is not None]
    return Sample(
        at=int(view.at),
        service=status.id,
        health=status.health,
        latency=max(latencies, default=None),
        rate=round(told.rate, 3) if told else None,
        p95=told.p95 if told else None,
        memory=used.memory if used else None,
        cpu=view.cpu.get(status.id),
    )


def _fingerprint(stack: Stack) -> tuple[float, ...]:
    """Return what changes when the plan may have changed."""
    place = stack.workspace
    names = ("alfred.yaml", ".env", ".env.local")
    files = [*(place.root / name for name in names)]
    files += [place.home / name for name in ("state.json", "runtime.json", "tunnels.json")]
    return tuple(_changed_at(file) for file in files)


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


_read: dict[tuple[Path, float], float] = {}


def _certificates(folder: Path, authority: Path | None) -> dict[str, float]:
    """Return when each certificate of the folder, and the CA's, ends; read when it has changed."""
    found = {}
    for file in (*sorted(folder.glob("*.pem")), *([authority] if authority else [])):
        key = (file, _changed_at(file))
        if key not in _read:
            with contextlib.suppress(OSError, ValueError, AlfredError):
                _read[key] = certificates.read(file.read_bytes()).not_after.timestamp()
        if key in _read:
            found[file.stem] = _read[key]
    return found
