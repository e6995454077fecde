"""Postgres refuses to run as root: become somebody else before it starts.

The better way is a user namespace, in which this process has another number but its files go on
belonging to root. Where the kernel forbids that: the user nobody, who must then own the data.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shlex
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from alfred_dev.embedded.refused import RefusedError

_CLONE_NEWUSER = 0x10000000
_INNER_ID = 1000  # any number but 0


class Way(StrEnum):
    """How to stop being root."""

    NONE = "none"
    NAMESPACE = "namespace"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder on the way to a file, as the kernel judges it."""

    path: Path
    uid: int
    gid: int
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do, and to whom the files must belong for it (numbers outside any namespace)."""

    way: Way
    uid: int
    gid: int


def step_for(paths: Iterable[Path]) -> Step:
    """Look at this machine and decide. Raises RefusedError when no way leads to ``paths``."""
    if os.geteuid() != 0:
        return Step(way=Way.NONE, uid=os.geteuid(), gid=os.getegid())
    nobody_uid, nobody_gid = nobody()
    steps = {
        Way.NAMESPACE: Step(way=Way.NAMESPACE, uid=0, gid=os.getegid()),
        Way.NOBODY: Step(way=Way.NOBODY, uid=nobody_uid, gid=nobody_gid),
    }
    folders = [folder for path in paths for folder in _folders_to(path)]
    blocked = {way: blocking(folders, step.uid, step.gid) for way, step in steps.items()}
    return steps[decide(namespaces=namespaces_work(), blocked=blocked)]


def nobody() -> tuple[int, int]:
    """Return the user and group numbers of nobody."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:  # a very small container
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


def decide(*, namespaces: bool, blocked: Mapping[Way, tuple[Path, ...]]) -> Way:
    """Choose root's way down. ``blocked``: for each way the folders that it cannot pass.

    Raises RefusedError, with what to type, when neither way leads anywhere.
    """
    possible = [Way.NAMESPACE, Way.NOBODY] if namespaces else [Way.NOBODY]
    for way in possible:
        if not blocked[way]:
            return way
    walls = blocked[possible[0]]
    who = "root without its privileges" if namespaces else "the user nobody"
    raise RefusedError(
        "path-not-traversable",
        "Postgres cannot run as root, and not otherwise either",
        cause=f"{who} cannot pass {', '.join(map(str, walls))}",
        fix=[f"chmod o+x {' '.join(shlex.quote(str(wall)) for wall in walls)}", "or not as root"],
    )


def blocking(folders: Iterable[Folder], uid: int, gid: int) -> tuple[Path, ...]:
    """Return the folders that a process of ``uid`` and ``gid``, without privileges, cannot pass."""
    return tuple(dict.fromkeys(f.path for f in folders if not _may_pass(f, uid, gid)))


def _may_pass(folder: Folder, uid: int, gid: int) -> bool:
    if folder.uid == uid:
        return bool(folder.mode & stat.S_IXUSR)
    if folder.gid == gid:
        return bool(folder.mode & stat.S_IXGRP)
    return bool(folder.mode & stat.S_IXOTH)


def _folders_to(path: Path) -> list[Folder]:
    folders = []
    for parent in path.resolve().parents:
        status = parent.stat()
        folders.append(
            Folder(path=parent, uid=status.st_uid, gid=status.st_gid, mode=status.st_mode)
        )
    return folders


def namespaces_work() -> bool:
    """Tell whether this process could enter a user namespace, by trying it in a child."""
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def take(step: Step) -> None:
    """Become the process that ``step`` describes; there is no way back. Raises OSError."""
    if step.way is Way.NAMESPACE:
        _enter_namespace()
    elif step.way is Way.NOBODY:
        os.setgroups([])
        os.setgid(step.gid)
        os.setuid(step.uid)


def _enter_namespace() -> None:
    group = os.getegid()  # afterwards it has no number any more
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):  # not Linux
        raise OSError("this system has no user namespaces")
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    own = Path("/proc/self")
    # Without this a process could drop a group that a file mode counts on.
    own.joinpath("setgroups").write_text("deny")
    own.joinpath("uid_map").write_text(f"{_INNER_ID} 0 1")
    own.joinpath("gid_map").write_text(f"{_INNER_ID} {group} 1")


def give(folder: Path, step: Step) -> None:
    """Make ``folder`` and all in it belong to ``step``. Costs one look when it does already."""
    status = folder.stat()
    if step.way is Way.NONE or (status.st_uid, status.st_gid) == (step.uid, step.gid):
        return
    for place, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(place, name), step.uid, step.gid, follow_symlinks=False)
    # Last, so that a chown that was cut short is done again.
    os.chown(folder, step.uid, step.gid)
