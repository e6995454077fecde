"""Every service: what its supervisor knows, what its port answers, what it said, its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from alfred_dev import lifecycle, logs, reconcile, status
from alfred_dev.doctor import seen
from alfred_dev.doctor.scene import Scene
from alfred_dev.host import processes, procnet
from alfred_dev.plan import Endpoint
from alfred_dev.probe.base import ProbeResult, Reason
from alfred_dev.probe.run import probe_all
from alfred_dev.probe.targets import target_of
from alfred_dev.runtime import keeper
from alfred_dev.runtime.base import Observed, Running, State
from alfred_dev.runtime.evidence import tail
from alfred_dev.runtime.process import ProcessRuntime, listening
from alfred_dev.settings import masked
from alfred_dev.stack import Stack
from alfred_dev.status import Health, ServiceStatus

LOG_BYTES = 16_000
LINES = 60
EARLIER_S = 60
STAMP_S = 0.5  # an engine notes a start down when the first words may have been said
YOUNG_S = 10
# A service asks what it needs once in a second: so long may it say what is no longer so.
SETTLING_S, ROUNDS = 1.2, 2
_LIMIT = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


async def probes(scene: Scene) -> dict[Endpoint, ProbeResult]:
    """Ask every port of the plan once, all at the same time."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    plan = scene.stack.plan
    targets = [target_of(endpoint, plan.settings) for endpoint in plan.endpoints]
    results = await probe_all(targets, timeout_s=scene.probe_timeout_s)
    return dict(zip(plan.endpoints, results, strict=True))


def settling(statuses: Iterable[ServiceStatus]) -> frozenset[str]:
    """Return who may only say what was so a moment ago: nobody when any is ill by itself. Pure.

    Such a service runs and says that it is not well, and all that it needs is well or settling.
    """
    ill = [s for s in statuses if s.selected and s.health is not Health.HEALTHY]
    roots = [s for s in ill if not s.blocked_by]
    said = {Reason.STATUS, Reason.STARTING}
    wrong = [e for s in roots for e in s.endpoints if not e.healthy]
    if any(e.stranger or e.reason not in said for e in wrong):
        return frozenset()
    return frozenset(s.id for s in ill)


async def asked_again(scene: Scene, names: Collection[str]) -> dict[int, ProbeResult]:
    """Ask the ports of ``names`` once more, a moment later."""
    await asyncio.sleep(SETTLING_S)
    assert scene.stack is not None  # noqa: S101 - as above
    endpoints = [e for e in scene.stack.plan.endpoints if e.service in names]
    targets = [target_of(endpoint, scene.stack.plan.settings) for endpoint in endpoints]
    results = await probe_all(targets, timeout_s=scene.probe_timeout_s)
    return {e.port: result for e, result in zip(endpoints, results, strict=True)}


async def snapshot(scene: Scene) -> tuple[Observed, int]:
    """Return what the runtime knows, and the process of a supervisor that is frozen, else 0."""
    assert scene.stack is not None  # noqa: S101 - as above
    stack = scene.stack
    frozen = _frozen_keeper(stack)
    return _left(stack) if frozen else await asyncio.to_thread(lifecycle.observe, stack), frozen


async def services(scene: Scene) -> seen.Services:
    """See every service of the plan."""
    assert scene.stack is not None  # noqa: S101 - as above
    stack = scene.stack
    asking = asyncio.ensure_future(scene.see(probes))
    observed, frozen = await scene.see(snapshot)
    answers = {endpoint.port: result for endpoint, result in (await asking).items()}
    selected = lifecycle.selected(stack)
    statuses = status.assess(stack.plan, observed, answers, selected)
    for _ in range(ROUNDS):
        if not (again := settling(statuses)):
            break
        answers |= await asked_again(scene, again)
        statuses = status.assess(stack.plan, observed, answers, selected)
    return await asyncio.to_thread(_joined, stack, statuses, observed.alive, frozen)


def _frozen_keeper(stack: Stack) -> int:
    """Return the process of our supervisor where it is stopped: to ask it would take for ever."""
    known = keeper.noted(stack.workspace.run)
    return known.pid if known and known.frozen else 0


def _left(stack: Stack) -> Observed:
    """Return what the launcher wrote down, where the supervisor cannot be asked."""
    if not isinstance(stack.runtime, ProcessRuntime):
        return Observed(alive=False)
    alive = {s.service: s for s in stack.runtime.started().values()
             if processes.alive(s.pid, s.identity)}  # fmt: skip
    pids = {name: note.pid for name, note in alive.items()}
    wanted = {s.id: [e.listen for e in s.endpoints] for s in stack.plan.services}
    listens = listening(pids, wanted)
    return Observed(
        alive=True,
        services={
            name: Running(
                state=State.RUNNING, pid=note.pid, started_at=note.at, restarts=note.starts - 1,
                ports=listens.get(name, frozenset()), spec=note.spec,
            )
            for name, note in alive.items()
        },
    )  # fmt: skip


def _joined(
    stack: Stack, statuses: Iterable[ServiceStatus], alive: bool, frozen: int
) -> seen.Services:
    desired = stack.desired().specs
    listens = _listening()
    rows = []
    for found in statuses:
        spec = found.running.spec
        drift = spec is not None and found.running.pid and found.id in desired
        rows.append(
            seen.Service(
                status=found,
                said=_said(stack, found),
                process=_yours(found, listens)
                if found.service.by_developer
                else _process(found.running.pid, listens),
                told=spec.environment if spec else {},
                drift=reconcile.differences(spec, desired[found.id]) if drift and spec else (),
                young=time.time() - found.running.started_at < YOUNG_S,
            )
        )
    return seen.Services(
        alive=alive,
        trouble="" if frozen else stack.runtime.trouble(),
        keeper_frozen=frozen,
        keeper_said=() if alive else _keeper_said(stack),
        rows=tuple(rows),
        oom_kills=processes.memory_kills(),
    )


def _keeper_said(stack: Stack) -> tuple[str, ...]:
    text = tail(stack.workspace.logs / "supervisord.out", 4000)
    return tuple(line for line in masked(text, stack.plan.secrets).splitlines() if line.strip())


def _said(stack: Stack, found: ServiceStatus) -> tuple[str, ...]:
    """Return the last lines of a service of ours that is ill; a healthy one explains nothing."""
    if found.health is Health.HEALTHY or not found.selected or found.service.by_developer:
        return ()  # what an earlier one of ours said is not what the developer's own says
    return said_since(stack, found.id, earliest(found.running))


def said_since(stack: Stack, name: str, when: float) -> tuple[str, ...]:
    """Return the last lines of a service since ``when``, in seconds since the epoch."""
    text = masked(stack.runtime.last_words(name, LOG_BYTES), stack.plan.secrets)
    begin = datetime.fromtimestamp(when, UTC)
    lines = [line.message for line in logs.parse(name, text) if line.at >= begin]
    return tuple(line for line in lines if line.strip())[-LINES:]


def earliest(running: Running) -> float:
    """Return from when on its words count: what is started over has said why the time before.

    What has ended has said it since it was started last.
    """
    if not running.restarts or running.started_before:
        return running.started_before or running.started_at
    slack_s = STAMP_S if running.state in seen.ENDED else EARLIER_S
    return max(0.0, running.started_at - slack_s)


def _listening() -> Mapping[int, str]:
    """Return inode -> ``address:port`` of every listening socket; nothing but on Linux."""
    with contextlib.suppress(OSError):
        return {s.inode: f"{s.address}:{s.port}" for s in procnet.listening()}
    return {}


def _yours(found: ServiceStatus, listens: Mapping[int, str]) -> seen.Process:
    """Return where somebody listens on the ports of a developer's own process, whoever it is."""
    ends = tuple(f":{e.port}" for e in found.service.endpoints)
    return seen.Process(listens=tuple(sorted(p for p in listens.values() if p.endswith(ends))))


def _process(pid: int, listens: Mapping[int, str]) -> seen.Process:
    if not pid or not Path("/proc/self/stat").exists():
        return seen.Process()
    pids = tuple(processes.tree(pid))
    fullest = max(((_files(p), p) for p in pids), default=(0, 0))
    places = {listens[i] for p in pids for i in procnet.inodes(p) & listens.keys()}
    return seen.Process(
        pids=pids,
        frozen=tuple(p for p in pids if _letter(p) in "Tt"),
        files=fullest[0],
        files_limit=_files_limit(fullest[1]),
        listens=tuple(sorted(places)),
    )


def _letter(pid: int) -> str:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    return "?"


def _files(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names alone, and many
    return 0


def _files_limit(pid: int) -> int:
    with contextlib.suppress(OSError):
        match = _LIMIT.search(Path(f"/proc/{pid}/limits").read_text())
        return int(match[1]) if match else 0
    return 0
