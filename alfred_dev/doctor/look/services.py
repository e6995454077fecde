"""Every service: what its supervisor knows, what its port answers, what it said, its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from alfred_dev import lifecycle, logs, reconcile, status
from alfred_dev.doctor import seen
from alfred_dev.doctor.scene import Scene
from alfred_dev.host import processes, procnet
from alfred_dev.lifecycle import Stack
from alfred_dev.plan import Endpoint
from alfred_dev.probe.base import ProbeResult
from alfred_dev.probe.run import probe_all
from alfred_dev.probe.targets import target_of
from alfred_dev.settings import masked
from alfred_dev.status import ServiceStatus

LOG_BYTES = 16_000
LINES = 60
_LIMIT = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


async def probes(scene: Scene) -> dict[Endpoint, ProbeResult]:
    """Ask every port of the plan once, all at the same time."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    plan = scene.stack.plan
    targets = [target_of(endpoint, plan.settings) for endpoint in plan.endpoints]
    results = await probe_all(targets, timeout_s=scene.probe_timeout_s)
    return dict(zip(plan.endpoints, results, strict=True))


async def services(scene: Scene) -> seen.Services:
    """See every service of the plan."""
    assert scene.stack is not None  # noqa: S101 - as above
    stack = scene.stack
    asking = asyncio.ensure_future(scene.see(probes))
    observed = await asyncio.to_thread(lifecycle.observe, stack)
    answers = {endpoint.port: result for endpoint, result in (await asking).items()}
    statuses = status.assess(stack.plan, observed, answers, lifecycle.selection(stack))
    return await asyncio.to_thread(_joined, stack, statuses, observed.alive)


def _joined(stack: Stack, statuses: Iterable[ServiceStatus], alive: bool) -> seen.Services:
    desired = stack.render(stack.plan).specs
    listens = _listening()
    rows = []
    for found in statuses:
        spec = found.running.spec
        drift = spec is not None and found.running.pid and found.id in desired
        rows.append(
            seen.Service(
                status=found,
                said=_said(stack, found),
                process=_process(found.running.pid, listens),
                told=spec.environment if spec else {},
                drift=reconcile.differences(spec, desired[found.id]) if drift and spec else (),
            )
        )
    return seen.Services(
        alive=alive,
        trouble=stack.runtime.trouble(),
        rows=tuple(rows),
        oom_kills=lifecycle.out_of_memory_kills(),
    )


def _said(stack: Stack, found: ServiceStatus) -> tuple[str, ...]:
    """Return the last lines of a service that is ill; a healthy one has nothing to explain."""
    if found.health is status.Health.HEALTHY or not found.selected:
        return ()
    text = masked(stack.runtime.last_words(found.id, LOG_BYTES), stack.plan.secrets)
    begin = datetime.fromtimestamp(found.running.started_at, UTC)
    lines = [line.message for line in logs.parse(found.id, text) if line.at >= begin]
    return tuple(line for line in lines if line.strip())[-LINES:]


def _listening() -> Mapping[int, str]:
    """Return inode -> ``address:port`` of every listening socket; nothing but on Linux."""
    with contextlib.suppress(OSError):
        return {s.inode: f"{s.address}:{s.port}" for s in procnet.listening()}
    return {}


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
