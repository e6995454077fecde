"""What processes of this machine use: processor time and memory; and how full the machine is."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """``cpu_s``: processor seconds since the start; ``memory``: bytes in memory."""

    cpu_s: float = 0.0
    memory: int = 0


def of_trees(roots: Iterable[int]) -> dict[int, Usage]:
    """Return what each process and all its descendants use; none for one that has ended."""
    wanted = set(roots)
    rows = _linux() if sys.platform == "linux" else _others()
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in rows.items():
        children.setdefault(parent, []).append(pid)
    return {root: _sum(root, rows, children) for root in wanted if root in rows}


Rows = dict[int, tuple[int, Usage]]


def _sum(root: int, rows: Rows, children: dict[int, list[int]]) -> Usage:
    found = [root]
    for pid in found:  # grows while it is walked
        found += children.get(pid, ())
    used = [rows[pid][1] for pid in found]
    memory = _memory(found) if sys.platform == "linux" else sum(u.memory for u in used)
    return Usage(cpu_s=sum(u.cpu_s for u in used), memory=memory)


def _memory(pids: Iterable[int]) -> int:
    """Return what processes have together; what they share (Postgres' buffers) counts once."""
    own, shared = 0, 0
    for pid in pids:
        with contextlib.suppress(OSError):
            resident, common = map(int, Path(f"/proc/{pid}/statm").read_text().split()[1:3])
            own, shared = own + resident - common, max(shared, common)
    return (own + shared) * _PAGE


def _linux() -> Rows:
    """Return every process: its parent and its time. One file each: this is done all day."""
    rows: Rows = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - a path for each costs as much as the reading
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
            text = file.read()
            fields = text[text.rindex(b")") + 2 :].split()
            used = Usage(cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS)
            rows[int(name)] = (int(fields[1]), used)
    return rows


def _others() -> Rows:
    import psutil

    rows: Rows = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used = Usage(cpu_s=times.user + times.system, memory=process.memory_info().rss)
            rows[process.pid] = (process.ppid(), used)
    return rows


def processors() -> int:
    """Return how many there are."""
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Clocks:
    """What all processors together have done since the start, in ticks."""

    busy: int = 0
    total: int = 0

    def ratio(self, before: Clocks) -> float | None:
        """Return the share of all processors that was used since ``before``, None for no time."""
        total = self.total - before.total
        return max(0.0, min(1.0, (self.busy - before.busy) / total)) if total > 0 else None


def clocks() -> Clocks:
    """Return the processors' clocks; nothing where the system does not tell them."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/stat", "rb") as file:  # noqa: PTH123 - done all day
            ticks = [int(word) for word in file.readline().split()[1:9]]
        return Clocks(sum(ticks) - ticks[3] - ticks[4], sum(ticks))  # idle, and waiting for a disk
    return Clocks()


def memory_limit(pid: int) -> int | None:
    """Return the bytes that the group of a process may have; None where only the machine limits.

    A container's limit, as the kernel keeps it: of either version of its groups.
    """
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds == "memory":
                file = Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")
            elif not kinds:
                file = Path(f"/sys/fs/cgroup{path}/memory.max")
            else:
                continue
            if file.exists() and (text := file.read_text().strip()).isdigit():
                return int(text)
    return None


def memory_total() -> int:
    """Return the bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE


def ratios(folder: Path) -> dict[str, float]:
    """Return how full memory and the disk of ``folder`` are."""
    found = {}
    with contextlib.suppress(OSError):
        disk = shutil.disk_usage(folder)
        found["disk"] = disk.used / (disk.used + disk.free)
    with contextlib.suppress(OSError, KeyError, ZeroDivisionError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        sizes = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
        found["memory"] = 1 - sizes["MemAvailable"] / sizes["MemTotal"]
    return found
