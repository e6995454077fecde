"""One command at a time changes a checkout; the second waits, and says for whom."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from alfred_dev.workspace import cannot_write

POLL_S = 0.1


@contextlib.contextmanager
def held(path: Path, command: str, *, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock at ``path`` while the block runs; ``tell`` hears once for whom we wait.

    The kernel frees the lock with its holder, however that ends: there are no stale locks.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.set_inheritable(descriptor, True)  # for those children that change things for us
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        _acquire(descriptor, path, tell)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "command": command}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, tell: Callable[[str], None]) -> None:
    told = False
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                tell(f"waiting for {_holder(path)} to finish (Ctrl-C stops waiting)")
                told = True
            time.sleep(POLL_S)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"`{holder['command']}` (pid {holder['pid']})"
    except (OSError, ValueError, KeyError):  # it has the lock, but has not yet written its name
        return "another alfred-dev"
