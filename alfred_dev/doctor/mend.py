"""``doctor --fix``: carry fixes out, and say what each came to."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.doctor import repairs
from alfred_dev.doctor.model import Cause, Fix
from alfred_dev.doctor.scene import Scene
from alfred_dev.errors import AlfredError
from alfred_dev.setup import act
from alfred_dev.workspace import write

TIMEOUT_S = 180
# What changes a shell has to be typed into that shell.
OF_THE_SHELL = ("unset", "export", "ulimit", "cd")
LOG = "doctor.log"
_OURS = re.compile(r"(?<![\w./-])alfred-dev(?= )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of one fix. ``said``: why not, or what the commands printed last."""

    code: str
    subject: str
    commands: tuple[str, ...]
    ok: bool
    said: str = ""


def mend(causes: Iterable[Cause], scene: Scene, *, ask: Callable[[str], bool]) -> tuple[Done, ...]:
    """Carry out the fix of every cause; ``ask`` decides on what is not safe by itself."""
    return tuple(_one(cause, scene, ask) for cause in causes if _has_fix(cause.finding.fix))


def _has_fix(fix: Fix) -> bool:
    return bool(fix.commands or fix.repair)


def _one(cause: Cause, scene: Scene, ask: Callable[[str], bool]) -> Done:
    fix = cause.finding.fix
    done = Done(
        code=cause.check.code, subject=cause.finding.subject, commands=fix.commands, ok=False
    )
    shell = [line for line in fix.commands if line.split(" ")[0] in OF_THE_SHELL]
    if shell and not fix.repair:
        return _with(done, ok=False, said=f"to be typed into your shell: {'; '.join(shell)}")
    if fix.manual:
        typed = "; ".join(fix.commands)
        return _with(done, ok=False, said=f"it is not ours to end; look, then type: {typed}")
    question = f"{cause.finding.cause}\n  {fix.text}\n  " + "\n  ".join(fix.commands)
    if not fix.automatic and not ask(question):
        return _with(done, ok=False, said="left as it is")
    try:
        ok, said = _carried_out(cause, scene)
    except (AlfredError, OSError, subprocess.SubprocessError) as error:
        ok, said = False, str(error)
    _write_down(scene, cause, ok=ok)
    return _with(done, ok=ok, said=said)


def _with(done: Done, *, ok: bool, said: str) -> Done:
    return Done(code=done.code, subject=done.subject, commands=done.commands, ok=ok, said=said)


def _carried_out(cause: Cause, scene: Scene) -> tuple[bool, str]:
    """Do it. What changes the machine is in the ledger before, and stays there if it was done."""
    fix = cause.finding.fix
    if fix.repair:
        return True, repairs.REPAIRS[fix.repair](scene)
    folder = scene.given.root or str(Path.cwd())
    if not fix.undo or scene.store is None:
        return type_commands(fix.commands, folder)
    ledger, root = scene.store.ledger, scene.store.root
    entry = act.repairing(ledger, root, cause.check.code, fix.undo)
    ok, said = type_commands(fix.commands, folder)
    if not ok:
        ledger.forget(ledger.release(entry, root))
    return ok, said


def type_commands(commands: Sequence[str], folder: str) -> tuple[bool, str]:
    """Run commands in a shell, one after the other; stop at the first that fails."""
    ours = f"{shlex.quote(sys.executable)} -m alfred_dev"
    script = "\n".join(_OURS.sub(ours.replace("\\", r"\\"), line) for line in commands)
    package = str(Path(__file__).parents[2])
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": package},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return done.returncode == 0, lines[-1] if lines else ""


def _write_down(scene: Scene, cause: Cause, *, ok: bool) -> None:
    """Keep what was done in .alfred/doctor.log."""
    place = scene.workspace
    if place is None or not place.home.is_dir():
        return
    path = place.home / LOG
    old = path.read_bytes() if path.is_file() else b""
    outcome = "done" if ok else "failed"
    commands = " && ".join(cause.finding.fix.commands)
    write(path, old + f"{int(scene.given.now)} {outcome} {cause.check.code}: {commands}\n".encode())
