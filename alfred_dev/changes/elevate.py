"""Root: asked for once, with the exact command shown; never without somebody to ask."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from alfred_dev.changes.model import Step, to_rows
from alfred_dev.changes.perform import perform
from alfred_dev.errors import MachineError
from alfred_dev.workspace import make_private_folder, write

HELPER = Path(__file__).parent / "__main__.py"


def carry_out(
    steps: Sequence[Step],
    folder: Path,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    """Carry out ``steps``: ours as we are, the rest as root, all of that by one command.

    The steps for root are written to a file in ``folder``, so that the command shown can be typed
    by hand as well. Raises MachineError.
    """
    perform(step for step in steps if not needs_root(step))
    rest = [step for step in steps if needs_root(step)]
    file = folder / "as-root.json"
    if not rest:
        file.unlink(missing_ok=True)  # of an earlier run that got no root
        return
    make_private_folder(folder)
    write(file, json.dumps(to_rows(rest), indent=1).encode())
    command = ["sudo", *([] if may_ask(environment) else ["-n"]), *helper(file)]
    shown = " ".join(["sudo", *helper(file)])
    if shutil.which("sudo") is None:
        raise _needed(rest, shown.removeprefix("sudo "), "there is no sudo here")
    tell(f"as root: {shown}")
    if subprocess.run(command, stdin=None if may_ask(environment) else subprocess.DEVNULL,
                      check=False).returncode:  # fmt: skip
        raise _needed(rest, shown, "sudo, or the command as root, did not succeed")
    file.unlink(missing_ok=True)


def helper(file: Path) -> list[str]:
    """Return the command that carries out the steps in ``file``."""
    return [sys.executable, "-I", str(HELPER), str(file)]


def needs_root(step: Step) -> bool:
    """Tell whether this process may not carry out ``step`` itself."""
    return step.root and os.geteuid() != 0


def may_ask(environment: Mapping[str, str]) -> bool:
    """Tell whether there is somebody who could type a password."""
    return sys.stdin.isatty() and "CI" not in environment


def _needed(steps: Sequence[Step], command: str, cause: str) -> MachineError:
    return MachineError(
        "privilege-needed",
        "this needs root",
        cause="\n".join([cause, *(f"to do: {step}" for step in steps)]),
        fix=[command, "then the same alfred-dev command again"],
    )
