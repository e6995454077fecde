"""Carries steps out. What it cannot do it says, with the step; what is done stays done."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from alfred_dev.changes import block, files
from alfred_dev.changes.model import Block, Drop, Put, Run, Step
from alfred_dev.errors import MachineError
from alfred_dev.workspace import sweep, write

READABLE = 0o644
TIMEOUT_S = 120


def perform(steps: Iterable[Step]) -> None:
    """Carry out ``steps`` in their order. Raises MachineError at the first that fails."""
    for step in steps:
        match step:
            case Put():
                _put(step)
            case Drop():
                _drop(step)
            case Block():
                _block(step)
            case Run():
                _run(step)


def _put(step: Put) -> None:
    path = Path(step.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(step, error) from error
    write(path, step.text.encode(), mode=READABLE)


def _drop(step: Drop) -> None:
    try:
        sweep(Path(step.path))
        Path(step.path).unlink(missing_ok=True)
    except OSError as error:
        raise _failed(step, error) from error
    for folder in step.folders:
        with contextlib.suppress(OSError):  # somebody else's files are in it by now
            Path(folder).rmdir()


def _block(step: Block) -> None:
    path = Path(step.path)
    if not step.lines and not path.exists():
        return
    wanted = [line.encode() for line in step.lines]
    files.edit(path, lambda data: block.put(data, wanted))


def _run(step: Run) -> None:
    try:
        done = subprocess.run(
            step.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(step, error) from error
    said = done.stdout.decode(errors="replace").strip()
    if done.returncode and not any(word in said for word in step.tolerated):
        last = said.splitlines()[-1] if said else "it said nothing"
        raise MachineError(
            "change-failed",
            f"{step.argv[0]} failed",
            cause=f"exit {done.returncode}: {last}",
            fix=[str(step).removeprefix("run ")],
        )


def _failed(step: Step, error: Exception) -> MachineError:
    reason = getattr(error, "strerror", None) or str(error)
    return MachineError(
        "change-failed", f"could not {step}", cause=reason, fix=["the same command again"]
    )
