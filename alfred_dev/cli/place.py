"""Which checkout a command is for: all that commands need which plan and start nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from alfred_dev import lock, slots
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.report.command import typed
from alfred_dev.workspace import Workspace, find_root, make_private_folder

CLONE = Path(__file__).parents[2]


def note(text: str) -> None:
    """Say one line to the person, beside the results."""
    print(f"alfred-dev: {typed(text)}", file=sys.stderr)


def workspace() -> Workspace:
    """Return the checkout that the current folder belongs to. Raises UsageError."""
    try:
        start = Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "no-folder",
            "the current folder is gone",
            cause="it was deleted or moved while this shell was in it",
            fix=["cd ~"],
        ) from error
    return Workspace(find_root(start, CLONE, Path.home()))


@contextlib.contextmanager
def locked(command: str) -> Iterator[None]:
    """Hold the checkout's lock: one command at a time changes it."""
    place = workspace()
    make_private_folder(place.home)
    with lock.held(place.home / "lock", f"alfred-dev {command}", tell=note):
        yield


def check_access(place: Workspace) -> None:
    """Refuse a stack that this user may not look into. Raises MachineError."""
    if place.home.exists() and not os.access(place.home, os.R_OK | os.X_OK):
        owner = place.home.stat().st_uid
        raise MachineError(
            "other-user",
            "this stack belongs to another user",
            cause=f"{place.home} is open to user {owner} alone",
            fix=[f"sudo chown -R $(id -un) '{place.home}'   (when it is down)"],
        )


def slots_file() -> Path:
    """Return the registry of this user's slots."""
    return slots.registry(os.environ, Path.home())
