"""Processes of this machine: which one it is, what belongs to it, how to end it.

On Linux only the standard library is used: psutil's import costs more than most of these answers.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from alfred_dev.errors import MachineError
from alfred_dev.host import procnet

TOLERANCE_S = 1.0
POLL_S = 0.005
KILL_TIMEOUT_S = 5.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def exists(pid: int) -> bool:
    """Tell whether ``pid`` runs; one that has ended but was not yet reaped does not."""
    return start_time(pid) is not None


def start_time(pid: int) -> float | None:
    """Return when ``pid`` was started, in seconds since the epoch; None when it does not run.

    Computed from today's clock: when the clock is set (as after the sleep of a WSL 2 machine),
    the same process gets another start time. ``identity`` does not change.
    """
    if sys.platform != "linux":
        return _psutil_start_time(pid)
    ticks = _start_ticks(pid)
    if ticks is None:
        return None
    since_boot = ticks / _TICKS_PER_S
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)


def identity(pid: int) -> str | None:
    """Return what tells ``pid`` from every other process that ever has the same number.

    None when it does not run. Neither a clock that is set nor a reboot makes two the same.
    """
    if sys.platform == "linux":
        ticks = _start_ticks(pid)
        return None if ticks is None else f"{_boot_id()}:{ticks}"
    started = _psutil_start_time(pid)  # macOS notes the clock's time once, at the start
    return None if started is None else f"{started:.6f}"


def alive(pid: int, started: float | str) -> bool:
    """Tell whether the process still runs that had ``pid`` when ``started`` was noted.

    ``started``: what ``identity`` gave, or a time since the epoch, within 1 s of ``start_time``.
    """
    if isinstance(started, str):
        return identity(pid) == started
    now = start_time(pid)
    return now is not None and abs(now - started) <= TOLERANCE_S


def frozen(pid: int) -> bool:
    """Tell whether ``pid`` is stopped, by a signal or a debugger: it answers nobody."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] in (b"T", b"t")
        return False
    import psutil

    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False


def memory_kills() -> int:
    """Return how many processes the kernel has killed for memory since boot; 0 if not told."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


@functools.cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_ticks(pid: int) -> int | None:
    """Return field 22 of /proc/PID/stat: clock ticks from boot to start."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in parentheses, and may itself hold parentheses and spaces.
    state, *fields = text[text.rindex(b")") + 2 :].split()
    return None if state in (b"Z", b"X") else int(fields[18])


def _psutil_start_time(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def tree(pid: int) -> list[int]:
    """Return ``pid`` and all its descendants, parents first; nothing when it is not there."""
    if not exists(pid):
        return []
    found = [pid]
    for parent in found:  # grows while it is walked
        found += _children(parent)
    return found


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    if not Path(f"{tasks}/{pid}/children").exists():  # macOS, or a kernel built without it
        return _psutil_children(pid)
    found: list[int] = []
    for task in tasks.glob("*/children"):  # a thread may have children of its own
        try:
            found += map(int, task.read_text().split())
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            continue
    return sorted(found)


def _psutil_children(pid: int) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []


def listening_ports(pids: Iterable[int]) -> dict[int, set[int]]:
    """Return the TCP ports that each of our own processes listens on, none for one that ended."""
    if sys.platform != "linux":
        return {pid: _psutil_listening_ports(pid) for pid in pids}
    ports = {found.inode: found.port for found in procnet.listening()}
    return {pid: {ports[i] for i in procnet.inodes(pid) & ports.keys()} for pid in pids}


def _psutil_listening_ports(pid: int) -> set[int]:
    import psutil

    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # ended, or a zombie
        return set()
    return {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN and c.laddr}


def memory_pss(pid: int) -> int | None:
    """Return bytes of memory, shared pages divided among their users; None when not readable.

    macOS does not tell shares: there it is the memory of the process alone.
    """
    if sys.platform != "linux":
        return _psutil_memory(pid)
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    sizes = (line.split() for line in text.splitlines() if line.startswith("Pss:"))
    return sum(int(size) * 1024 for _, size, _ in sizes)


def _psutil_memory(pid: int) -> int | None:
    import psutil

    try:
        return int(psutil.Process(pid).memory_full_info().uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def kill_tree(pid: int, started: float | str, *, grace_s: float) -> None:
    """End the process that is ``alive(pid, started)`` with its descendants and process group.

    Asks by SIGTERM, waits up to ``grace_s`` seconds, then kills; returns when all are gone, at
    once if the process is gone already. Raises MachineError if one cannot be ended.
    """
    if not alive(pid, started):
        return
    victims: dict[int, str] = {}
    leads = _leads_group(pid)
    # Twice: what was started in the meantime is in the group, or a child of one that still runs.
    for number, timeout_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_TIMEOUT_S)):
        roots = _running(victims) if victims else [pid]
        found = [member for root in roots for member in tree(root)]
        victims |= _identities([*found, *(_group(pid) if leads else ())])
        _signal(victims, number)
        _wait(victims, timeout_s)
    if _running(victims):
        raise _cannot_end(_running(victims), "it does not end even when killed")


def _leads_group(pid: int) -> bool:
    """Tell whether ``pid`` has a process group to itself, and we are not in it."""
    try:
        return os.getpgid(pid) == pid and os.getpgrp() != pid
    except ProcessLookupError:
        return False


def _identities(pids: Iterable[int]) -> dict[int, str]:
    found = {pid: identity(pid) for pid in pids if pid != os.getpid()}
    return {pid: known for pid, known in found.items() if known is not None}


def _group(group: int) -> list[int]:
    import psutil

    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):  # ended; not ours
            if os.getpgid(pid) == group:
                members.append(pid)
    return members


def _running(victims: dict[int, str]) -> list[int]:
    return [pid for pid, known in victims.items() if alive(pid, known)]


def _signal(victims: dict[int, str], number: signal.Signals) -> None:
    for pid in _running(victims):
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it was quicker
            continue
        except PermissionError as error:
            raise _cannot_end([pid], "it belongs to another user") from error


def _wait(victims: dict[int, str], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while _running(victims) and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _cannot_end(pids: Collection[int], cause: str) -> MachineError:
    names = " ".join(str(pid) for pid in pids)
    return MachineError(
        "cannot-stop",
        f"process {names} cannot be ended",
        cause=cause,
        fix=[f"ps -fp {names.replace(' ', ',')}", f"sudo kill -9 {names}"],
    )
