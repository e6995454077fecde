"""The process that runs the services: what it may use, which they inherit, and where it logs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alfred_dev import ledger
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.runtime import keeper
from alfred_dev.workspace import Workspace

DELETED = " (deleted)"
_LIMIT = re.compile(r"^Max ([a-z ]+?) +(\d+|unlimited) ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """``pid``: 0 where none runs; ``limits``: its soft limits by the kernel's names, those alone
    that end somewhere; ``deleted``: log files that it writes to and that are not there any more;
    ``told``: its environment; ``shared``: where what this user's checkouts share lies for it, and
    ``shared_here`` for this shell; ``services``: the state of all."""

    pid: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""
    shared_here: str = ""
    services: Services


async def keeping(scene: Scene) -> Keeping:
    """Look at our supervisor; nothing is known but on Linux, or where an engine runs it all."""
    seen = await scene.see(services)
    known = keeper.noted(scene.workspace.run) if scene.workspace else None
    if scene.workspace is None or known is None or not known.alive:
        return Keeping(services=seen)
    folder = Path(f"/proc/{known.pid}")
    told = await asyncio.to_thread(_environment, folder)
    return Keeping(
        pid=known.pid,
        told=told,
        shared=str(ledger.location(told, Path(told.get("HOME") or Path.home()))),
        shared_here=str(ledger.location(os.environ, Path.home())),
        limits=await asyncio.to_thread(_limits, folder),
        deleted=await asyncio.to_thread(_deleted, folder, scene.workspace),
        services=seen,
    )


def _environment(folder: Path) -> Mapping[str, str]:
    """Return what a process was started with; where it may not be read, what we have ourselves."""
    with contextlib.suppress(OSError):
        pairs = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return os.environ


def _limits(folder: Path) -> Mapping[str, int]:
    with contextlib.suppress(OSError):
        return understood((folder / "limits").read_text())
    return {}


def understood(text: str) -> Mapping[str, int]:
    """Return the soft limits of /proc/PID/limits, those without an end left out. Pure."""
    found = {m[1]: m[2] for m in _LIMIT.finditer(text)}
    return {name: int(value) for name, value in found.items() if value != "unlimited"}


def _deleted(folder: Path, place: Workspace) -> tuple[str, ...]:
    found = set()
    with contextlib.suppress(OSError):
        for link in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(link.readlink()))
    lost = (name.removesuffix(DELETED) for name in found if name.endswith(DELETED))
    # Its own output it cannot open anew; its log has the same.
    ours = (Path(name) for name in lost if name.endswith(".log"))
    return tuple(sorted(str(path) for path in ours if path.parent == place.logs))
