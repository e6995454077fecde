"""What the launcher wrote down of each start, as it is read back."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.host import processes
from alfred_dev.runtime.base import LaunchSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What the launcher wrote down of one start."""

    service: str
    pid: int
    identity: str
    at: float
    before: float
    memory_kills: int
    starts: int
    spec: LaunchSpec

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return processes.alive(self.pid, self.identity)


def starts_in(run: Path) -> dict[str, Started]:
    """Return what was written down, by service; torn files count as absent."""
    found = {}
    for path in sorted((run / "started").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(path.read_text())
            found[path.stem] = Started(
                service=path.stem,
                pid=int(data["pid"]),
                identity=str(data["identity"]),
                at=float(data["at"]),
                before=float(data.get("before", 0.0)),
                memory_kills=int(data.get("memory_kills", -1)),
                starts=int(data["starts"]),
                spec=LaunchSpec.from_json(json.dumps(data["spec"])),
            )
    return found
