"""This machine: loopback, disk, memory, limits, load, clock, and what stands between us and it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from alfred_dev.doctor.scene import Scene
from alfred_dev.host import disk, outgoing
from alfred_dev.host.outgoing import Outgoing

TOOL_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A disk: the folder that was asked for, what is free, and whether we can write there."""

    folder: str
    free: int
    total: int
    inodes_free: int
    inodes: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What one look at the machine shows; None where it does not tell.

    ``loopback4``, ``loopback6``: why nobody can listen there, "" when one can; ``localhost``:
    addresses of that name; ``in_hosts``: whether the hosts file has it; ``resolver``: the line of
    nsswitch.conf on names; ``future_s``: how far the newest file of ours lies in the future.
    """

    spaces: tuple[Space, ...]
    loopback4: str = ""
    loopback6: str = ""
    localhost: tuple[str, ...] = ()
    in_hosts: bool = False
    resolver: str = ""
    memory_total: int | None = None
    memory_available: int | None = None
    swap_free: int | None = None
    nofile: int = 0
    nofile_hard: int = 0
    inotify_instances: int | None = None
    inotify_watches: int | None = None
    inotify_used: int = 0
    processors: int = 1
    load: float = 0.0
    future_s: float = 0.0
    firewall: tuple[str, ...] = ()
    shaping: tuple[str, ...] = ()
    unprivileged_from: int | None = None
    outgoing: Outgoing = Outgoing()
    environment: dict[str, str] = field(default_factory=dict)


async def machine(scene: Scene) -> Machine:
    """Look at the machine."""
    return await asyncio.to_thread(_machine, scene)


def _machine(scene: Scene) -> Machine:
    place = scene.workspace
    folders = [Path(tempfile.gettempdir())]
    if place is not None:
        folders += [place.home if place.home.exists() else place.root]
        folders += [f for f in (place.logs, place.run, *_data(place.data)) if f.exists()]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    memory = _meminfo()
    return Machine(
        spaces=tuple(_space(f) for f in dict.fromkeys(folders)),
        loopback4=_cannot_listen(socket.AF_INET, "127.0.0.1"),
        loopback6=_cannot_listen(socket.AF_INET6, "::1"),
        localhost=_addresses("localhost"),
        in_hosts=bool(_line("/etc/hosts", r"127\.0\.0\.1\s[^#]*\blocalhost\b")),
        resolver=_line("/etc/nsswitch.conf", r"hosts:.*"),
        memory_total=memory.get("MemTotal"),
        memory_available=memory.get("MemAvailable"),
        swap_free=memory.get("SwapFree"),
        nofile=soft,
        nofile_hard=hard,
        inotify_instances=_number("/proc/sys/fs/inotify/max_user_instances"),
        inotify_watches=_number("/proc/sys/fs/inotify/max_user_watches"),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
        load=os.getloadavg()[0],
        future_s=_future(scene),
        firewall=_firewall(),
        shaping=_shaping(),
        unprivileged_from=_number("/proc/sys/net/ipv4/ip_unprivileged_port_start"),
        outgoing=outgoing.look(),
    )


def _data(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(f for f in folder.iterdir() if f.is_dir())
    return []


def _space(folder: Path) -> Space:
    try:
        usage = shutil.disk_usage(folder)
        inodes = os.statvfs(folder)
        error = "" if disk.free_bytes(folder) else "it is full"
        return Space(
            folder=str(folder),
            free=usage.free,
            total=usage.total,
            inodes_free=inodes.f_favail,
            inodes=inodes.f_files,
            error=error or _cannot_write(folder),
        )
    except OSError as problem:
        return Space(folder=str(folder), free=0, total=0, inodes_free=0, inodes=0,
                     error=problem.strerror or str(problem))  # fmt: skip


def _cannot_write(folder: Path) -> str:
    """Say why nothing can be written in ``folder``; data folders are looked at, never touched."""
    if folder.parent.name == "data":
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        return "Read-only file system" if read_only else ""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x")
            file.flush()
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""


def _cannot_listen(family: socket.AddressFamily, address: str) -> str:
    try:
        with socket.socket(family) as server:
            server.bind((address, 0))
            server.listen(1)
            with socket.socket(family) as client:
                client.settimeout(0.3)
                client.connect(server.getsockname())
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""


def _addresses(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(row[4][0]) for row in found))


def _line(path: str, pattern: str) -> str:
    """Return the first line of a file that begins with ``pattern``, "" for none."""
    with contextlib.suppress(OSError):
        text = Path(path).read_text(errors="replace")
        if match := re.search(rf"^{pattern}", text, re.MULTILINE):
            return match[0].strip()
    return ""


def _meminfo() -> dict[str, int]:
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            key, _, rest = line.partition(":")
            found[key] = int(rest.split()[0]) * 1024
    return found


def _number(path: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(Path(path).read_text())
    return None


def _future(scene: Scene) -> float:
    """Return how many seconds the newest of our files lies ahead of the clock."""
    if scene.workspace is None:
        return 0.0
    home = scene.workspace.home
    files = [*home.glob("*.json"), *home.glob("run/started/*.json"), *home.glob("logs/*.log")]
    newest = 0.0
    for file in files:
        with contextlib.suppress(OSError):
            newest = max(newest, file.stat().st_mtime)
    return max(0.0, newest - time.time())


def _firewall() -> tuple[str, ...]:
    """Return every rule that drops or refuses packets; nothing without the right to look."""
    found: list[str] = []
    for program in ("iptables-save", "ip6tables-save"):
        found += [
            line
            for line in _output(program)
            if line.startswith("-A") and (" -j DROP" in line or " -j REJECT" in line)
        ]
    return tuple(found)


def _shaping() -> tuple[str, ...]:
    """Return artificial delay or loss on the loopback interface."""
    lines = _output("tc", "qdisc", "show", "dev", "lo")
    return tuple(line.strip() for line in lines if "netem" in line or "tbf" in line)


def _output(*command: str) -> list[str]:
    if os.geteuid() != 0 or shutil.which(command[0]) is None:
        return []
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()
