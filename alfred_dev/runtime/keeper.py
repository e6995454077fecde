"""Who keeps a checkout's services running: which supervisord, found again whatever happened.

supervisord writes itself down when it starts. A socket that does not answer does not mean that
there is none: the socket may have been tidied away, the folder moved, the process stopped.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from alfred_dev.errors import MachineError
from alfred_dev.host import processes

FILE = "supervisor.json"  # in .alfred/run


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """One supervisord. ``home``: the .alfred folder that it was started in."""

    pid: int
    identity: str
    uid: int
    socket: str
    python: str
    home: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return processes.alive(self.pid, self.identity)

    @property
    def frozen(self) -> bool:
        """Whether it is stopped: whoever asks it waits in vain."""
        return self.alive and processes.frozen(self.pid)

    def fits(self, home: Path) -> bool:
        """Tell whether it can start services for ``home`` with the Python that we are."""
        return self.home == str(home) and self.python == sys.executable

    def end(self, *, grace_s: float = 3.0) -> None:
        """End it and all that it keeps running. Raises MachineError when it is another user's."""
        if self.uid != os.getuid() and os.getuid() != 0:
            raise MachineError(
                "other-user",
                "this stack belongs to another user",
                cause=f"{_user(self.uid)} started it (pid {self.pid})",
                fix=[f"sudo -u {_user(self.uid)} alfred-dev down"],
            )
        processes.kill_tree(self.pid, self.identity, grace_s=grace_s)


def note_down(run: Path, socket: str) -> None:
    """Write down that this process is the keeper; called by supervisord itself."""
    pid = os.getpid()
    keeper = Keeper(
        pid=pid,
        identity=str(processes.identity(pid)),
        uid=os.getuid(),
        socket=socket,
        python=sys.executable,
        home=str(Path.cwd()),
    )
    temporary = run / f".{FILE}.{pid}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(keeper), file)
    temporary.replace(run / FILE)


def noted(run: Path) -> Keeper | None:
    """Return the keeper that was last written down, None when there is no (whole) record."""
    try:
        return Keeper(**json.loads((run / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # an account of another namespace
        return f"#{uid}"
