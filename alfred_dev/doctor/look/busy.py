"""Who uses the processors, measured over a moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.host import procnet
from alfred_dev.probe.base import Reason
from alfred_dev.status import EndpointStatus

MOMENT_S = 0.25
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hog:
    """Processes of one command line that used ``share`` processors together."""

    pids: tuple[int, ...]
    program: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """``idle``: the share of all processors that nobody used; ``waiting``: tasks for each
    processor that want to run; ``hogs``: the busiest first."""

    idle: float
    waiting: float
    processors: int = 1
    hogs: tuple[Hog, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strained:
    """``late``: services that did not answer in time, or say that somebody else did not;
    ``ours``: process -> the service of ours that it is."""

    busy: Busy
    ours: Mapping[int, str] = field(default_factory=dict)
    late: tuple[str, ...] = ()


async def strained(scene: Scene) -> Strained:
    """Watch the processors, and see whom that makes late."""
    found = await scene.see(busy)
    if scene.stack is None:
        return Strained(busy=found)
    seen = await scene.see(services)
    late = [row.id for row in seen.ill if any(_late(e) for e in row.status.endpoints)]
    ours = {pid: row.id for row in seen.rows for pid in row.process.pids}
    return Strained(busy=found, late=tuple(late), ours=ours)


def _late(endpoint: EndpointStatus) -> bool:
    return not endpoint.healthy and (
        endpoint.reason is Reason.TIMEOUT or "no complete answer" in endpoint.detail
    )


async def busy(scene: Scene) -> Busy:
    """Watch for a quarter of a second; nothing is known but on Linux."""
    del scene
    if not Path("/proc/stat").exists():
        return Busy(idle=1.0, waiting=0.0)
    before, began = await asyncio.to_thread(_times), time.monotonic()
    idle = _idle()
    await asyncio.sleep(MOMENT_S)
    after = await asyncio.to_thread(_times)
    took = time.monotonic() - began
    return Busy(
        idle=_share(idle, _idle()),
        waiting=_running() / (os.cpu_count() or 1),
        processors=os.cpu_count() or 1,
        hogs=_hogs(before, after, took),
    )


def _times() -> dict[int, tuple[int, str]]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError, IndexError, ValueError):
                text = (entry / "stat").read_text(errors="replace")
                name = text[text.index("(") + 1 : text.rindex(")")]
                fields = text[text.rindex(")") + 2 :].split()
                found[int(entry.name)] = (int(fields[11]) + int(fields[12]), name)
    return found


def _idle() -> tuple[int, int]:
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return fields[3] + fields[4], sum(fields[:8])


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    whole = after[1] - before[1]
    return (after[0] - before[0]) / whole if whole > 0 else 1.0


def _running() -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/loadavg").read_text().split()[3].split("/")[0])
    return 0


def _hogs(
    before: dict[int, tuple[int, str]], after: dict[int, tuple[int, str]], took: float
) -> tuple[Hog, ...]:
    groups: dict[str, list[tuple[int, str, int]]] = {}
    for pid, (ticks, name) in after.items():
        if pid in before and ticks > before[pid][0]:
            command = procnet.command(pid) or name
            groups.setdefault(command, []).append((pid, name, ticks - before[pid][0]))
    used = [
        Hog(
            pids=tuple(pid for pid, _, _ in group),
            program=group[0][1],
            share=sum(ticks for _, _, ticks in group) / _TICKS / took,
        )
        for group in groups.values()
    ]
    return tuple(sorted(used, key=lambda h: -h.share)[:5])
