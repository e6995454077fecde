"""Starting supervisord for a checkout, and where it listens."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from alfred_dev.errors import MachineError
from alfred_dev.runtime.evidence import tail
from alfred_dev.runtime.launch import INHERITED
from alfred_dev.workspace import Workspace, make_private_folder


def socket_path(workspace: Workspace) -> Path:
    """Return where a new supervisord listens: short (a path over 107 bytes fails), this user's
    alone, and the same in every shell."""
    return Path("/tmp", f"alfred-dev-{os.getuid()}", f"{workspace.project}.sock")  # noqa: S108


def spawn(
    workspace: Workspace, socket: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start supervisord on ``socket``; returns at once. Raises MachineError for its folder.

    ``environment``: of whoever typed ``up``; little of it is handed on.
    """
    _clear(socket)
    inherited = {k: environment[k] for k in INHERITED if k in environment}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")])
    ours = {
        "PATH": path,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONUNBUFFERED": "1",
        "ALFRED_SUPERVISOR_SOCKET": str(socket),
    }
    config = ["-c", "render/supervisord.conf"]
    user = ["-u", "root"] if os.getuid() == 0 else []
    return subprocess.Popen(
        [sys.executable, "-m", "alfred_dev.runtime.supervisord", *config, *user],
        cwd=workspace.home,
        env=inherited | ours,
        stdin=subprocess.DEVNULL,
        stdout=(workspace.logs / "supervisord.out").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def failed(workspace: Workspace, process: subprocess.Popen[bytes], socket: Path) -> MachineError:
    """End a supervisord that does not come up; return what to say of it."""
    process.kill()
    said = tail(workspace.logs / "supervisord.out", 4000).strip().splitlines()
    return MachineError(
        "supervisor-failed",
        "the process supervisor does not start",
        cause=said[-1] if said else f"no answer on {socket}",
        fix=[f"cat '{workspace.logs / 'supervisord.log'}'"],
    )


def _clear(socket: Path) -> None:
    """Have a folder of our own for ``socket``, without a socket of old. Raises MachineError."""
    folder = socket.parent
    with contextlib.suppress(FileNotFoundError):
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise MachineError(
                "runtime-folder",
                f"{folder} is not ours",
                cause="it belongs to another user, or is a symbolic link",
                fix=[f"sudo rm -r '{folder}'"],
            )
    make_private_folder(folder)
    with contextlib.suppress(FileNotFoundError):
        socket.unlink()
