"""Our files: who may read them, whether they are whole, and what was rendered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.doctor.scene import Scene
from alfred_dev.workspace import Workspace

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
    ``torn``: state files that cannot be read, with the reason; ``changed``, ``absent``: rendered
    files that are not what the plan says; ``majors``: durable service -> version of its data."""

    loose: tuple[File, ...] = ()
    foreign: tuple[File, ...] = ()
    torn: tuple[tuple[str, str], ...] = ()
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


async def files(scene: Scene) -> Files:
    """Look at .env and everything below .alfred but the data itself."""
    return await asyncio.to_thread(_files, scene)


def _files(scene: Scene) -> Files:
    place = scene.workspace
    if place is None:
        return Files()
    found = [*_below(place)]
    changed, absent = _render(scene, place)
    with contextlib.suppress(OSError):
        data = tuple(sorted(f.name for f in place.data.iterdir() if any(f.iterdir())))
        return Files(
            loose=tuple(f for f in found if f.mode & 0o077 and not f.link),
            foreign=tuple(f for f in found if not f.mine),
            torn=tuple(_torn(place)),
            changed=changed,
            absent=absent,
            data=data,
        )
    return Files(
        loose=tuple(f for f in found if f.mode & 0o077 and not f.link),
        foreign=tuple(f for f in found if not f.mine),
        torn=tuple(_torn(place)),
        changed=changed,
        absent=absent,
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


def _render(scene: Scene, place: Workspace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if scene.stack is None or not place.render.is_dir():
        return (), ()
    changed, absent = [], []
    for artifact in scene.stack.desired().artifacts:
        path = Path(place.render, artifact.path)
        try:
            if path.read_text() != artifact.text:
                changed.append(str(path))
        except FileNotFoundError:
            absent.append(str(path))
        except (OSError, ValueError):
            changed.append(str(path))
    return tuple(changed), tuple(absent)
