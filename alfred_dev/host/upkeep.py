"""Linux: is a process kept running by a supervisor of alfred-dev, and in which folder?

Ending such a process frees no port: it is started again. Its checkout must be taken down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alfred_dev.host import procnet

MODULE = "alfred_dev.runtime.supervisord"
MAX_LEVELS = 6
DELETED = " (deleted)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A supervisor and its checkout. ``gone``: the checkout's folder was deleted."""

    pid: int
    root: str
    gone: bool

    def fix(self) -> tuple[str, ...]:
        """Return what to type to end it with all that it keeps."""
        if self.gone:
            return (f"kill {self.pid}",)
        script = Path(self.root, "scripts", "alfred-dev")
        command = "./scripts/alfred-dev" if script.exists() else "alfred-dev"
        return (f"(cd '{self.root}' && {command} down)",)


def keeper_of(pid: int) -> Keeper | None:
    """Return the supervisor among the parents of ``pid``, or None."""
    for _ in range(MAX_LEVELS):
        if pid <= 1:
            return None
        if MODULE in procnet.command(pid):
            return _keeper(pid)
        pid = _parent(pid)
    return None


def _keeper(pid: int) -> Keeper | None:
    try:
        home = str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:  # another user's, or ended meanwhile
        return None
    gone = home.endswith(DELETED)
    return Keeper(pid=pid, root=str(Path(home.removesuffix(DELETED)).parent), gone=gone)


def _parent(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[1])
    except (OSError, IndexError, ValueError):  # it has ended meanwhile
        return 0
