"""An engine's data folder: one process group at a time, and only ever whole.

The lock is a file beside the folder. Its descriptor is inherited by everything an engine starts,
so the kernel frees it with the last of them: an engine that died leaves no lock behind, and one
whose children still write is not started beside them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alfred_dev.errors import AlfredError

LOCK_TIMEOUT_S = 10.0
_POLL_S = 0.02


def lock(data: Path, tell: Callable[[str], object], *, timeout_s: float = LOCK_TIMEOUT_S) -> int:
    """Hold ``data`` until this process, and all that inherit the descriptor, have ended.

    Makes the folders above ``data``. Returns the descriptor. ``tell`` hears once when another
    process holds it. Raises AlfredError when that lasts longer than ``timeout_s`` seconds.
    """
    data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data.with_name(f".{data.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    if not _locked(descriptor):
        tell(f"waiting for another process to leave {data}\n")
        end = time.monotonic() + timeout_s
        while not _locked(descriptor):
            if time.monotonic() > end:
                os.close(descriptor)
                raise _held(data, path)
            time.sleep(_POLL_S)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held(data: Path, path: Path) -> AlfredError:
    return AlfredError(
        "data-in-use",
        f"{data.name} cannot start",
        cause=f"another process uses its data folder {data}",
        fix=["alfred-dev down", f"lsof '{path}'"],
    )


def remove_leftovers(data: Path) -> None:
    """Remove what a killed ``made_whole`` left. Only the holder of the lock may do this."""
    for path in data.parent.iterdir():
        if path.name.startswith(_scratch_prefix(data)):
            shutil.rmtree(path)


def _scratch_prefix(data: Path) -> str:
    return f".{data.name}.init-"


@contextmanager
def made_whole(data: Path) -> Iterator[Path]:
    """Yield a fresh folder beside ``data``; what the block makes of ``<it>/new`` becomes ``data``.

    A kill at any time leaves either nothing or everything, and perhaps a left-over.
    """
    scratch = Path(tempfile.mkdtemp(prefix=_scratch_prefix(data), dir=data.parent))
    try:
        yield scratch
        scratch.joinpath("new").rename(data)  # onto an empty folder, if there is one
        sync(data.parent)
    finally:
        # What a killed child is still writing stays behind, for ``remove_leftovers``.
        shutil.rmtree(scratch, ignore_errors=True)


def sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
