"""What processes hold open, and somebody deleted under them: data, and sockets to be called at."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alfred_dev.doctor.look.certs import GATEWAY
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.workspace import Workspace

DELETED = " (deleted)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``data``: service -> a file that it writes to, in a data folder that is not there any more;
    ``doors``: sockets that the gateway made, and that are not there."""

    data: Mapping[str, str] = field(default_factory=dict)
    doors: tuple[str, ...] = ()


async def kept(scene: Scene) -> Kept:
    """Look at what runs as processes of this machine; what a container has is the engine's."""
    seen, place = await scene.see(services), scene.workspace
    return await asyncio.to_thread(_kept, seen, place) if place else Kept()


def _kept(seen: Services, place: Workspace) -> Kept:
    running = [row for row in seen.rows if row.runs and row.process.pids]
    lost = ((row.id, _lost(row, place.data / row.id)) for row in running)
    made = (place.doors / "admin.sock", place.tunnel_door)
    doors = made if any(_old(row) for row in running) else ()
    return Kept(
        data={name: file for name, file in lost if file},
        doors=tuple(str(door) for door in doors if not door.exists()),
    )


def _old(row: Service) -> bool:
    """Tell whether it is the gateway, and has had the time to make its sockets."""
    return row.id == GATEWAY and not row.young and not row.ill


def _lost(row: Service, folder: Path) -> str:
    """Return a file of ``folder`` that a service still holds, deleted or moved with it."""
    if any_file(folder):
        return ""
    files = (target for pid in row.process.pids for target in held(pid))
    moved = f"/{folder.parent.name}/{folder.name}/"
    return next((f for f in files if moved in f), "")


def any_file(folder: Path) -> bool:
    """Tell whether there is a folder, with anything in it."""
    with contextlib.suppress(OSError):
        return any(folder.iterdir())
    return False


def held(pid: int) -> Iterable[str]:
    """Return what the descriptors of a process lead to; nothing of one that may not be seen."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone, and many
    except OSError:
        return
    for name in names:
        try:
            yield os.readlink(f"{folder}/{name}")  # noqa: PTH115 - as above
        except OSError:  # closed meanwhile
            continue
