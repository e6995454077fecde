"""Our files: who may read them, whether they are whole, and what was rendered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.doctor.scene import Scene
from alfred_dev.workspace import Artifact, Workspace, digest

DEPTH = 3
# What is no secret, however open it lies.
OPEN = frozenset({"alfred.schema.json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file or folder. ``mode``: permission bits; ``mine``: whether it is this user's."""

    path: str
    mode: int
    mine: bool
    folder: bool
    link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """``loose``: secrets that others may read; ``foreign``: what belongs to another user;
    ``torn``: state files that cannot be read, with the reason; ``edited``: rendered files that are
    not as we wrote them; ``old``: those that are, and not what the plan says; ``data``: whose data
    folder holds anything."""

    loose: tuple[File, ...] = ()
    foreign: tuple[File, ...] = ()
    torn: tuple[tuple[str, str], ...] = ()
    edited: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


async def files(scene: Scene) -> Files:
    """Look at .env and everything below .alfred but the data itself."""
    return await asyncio.to_thread(_files, scene)


def _files(scene: Scene) -> Files:
    place = scene.workspace
    if place is None:
        return Files()
    found = [*_below(place)]
    edited, old = compared(place, scene.stack.desired().artifacts if scene.stack else ())
    data: tuple[str, ...] = ()
    with contextlib.suppress(OSError):
        data = tuple(sorted(f.name for f in place.data.iterdir() if any(f.iterdir())))
    return Files(
        loose=tuple(f for f in found if f.mode & 0o077 and not f.link),
        foreign=tuple(f for f in found if not f.mine),
        torn=tuple(_torn(place)),
        edited=edited,
        old=old,
        data=data,
    )


def _below(place: Workspace) -> Iterator[File]:
    paths = [place.env_file, place.root / ".env.local", place.home, place.render, place.run]
    paths += [place.logs, place.data]
    for folder in (place.home, place.render, place.render / "services", place.run / "started"):
        with contextlib.suppress(OSError):
            paths += sorted(folder.iterdir())
    with contextlib.suppress(OSError):
        paths += sorted(place.data.iterdir())
    for path in dict.fromkeys(paths):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if path.name in OPEN or stat.S_ISSOCK(found.st_mode):
                continue
            yield File(
                path=str(path),
                mode=stat.S_IMODE(found.st_mode),
                mine=found.st_uid in (os.geteuid(), 65534) or os.geteuid() == 0,
                folder=stat.S_ISDIR(found.st_mode),
                link=stat.S_ISLNK(found.st_mode),
            )


def _torn(place: Workspace) -> Iterator[tuple[str, str]]:
    """Yield what is no JSON of what we keep; the rendered files are compared as a whole."""
    kept = (place.home, place.run, place.run / "started", place.data / "identity")
    for path in (path for folder in kept for path in sorted(folder.glob("*.json"))):
        try:
            json.loads(path.read_text())
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            yield str(path), str(error)


def compared(
    place: Workspace, artifacts: Iterable[Artifact]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return rendered files that were edited since, and those that are merely older than the plan
    (``artifacts``); what is as the plan has it is neither."""
    written = place.noted_render()
    if not written and not place.render.is_dir():
        return (), ()  # never rendered
    wanted = {artifact.path: digest(artifact.text.encode()) for artifact in artifacts}
    edited, old = [], []
    for name in {**wanted, **written}:
        found = _digest(place.render / name)
        if found == wanted.get(name, written.get(name)):
            continue
        if name in written and found != written[name]:
            edited.append(str(place.render / name))
        elif name in wanted:
            old.append(str(place.render / name))
    return tuple(edited), tuple(old)


def _digest(path: Path) -> str:
    """Return the digest of a file, nothing where it is none that can be read."""
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""
