"""``python -m alfred_dev.runtime.supervisord``: supervisord, with a time stamp on every log line.

supervisor writes what its children print as it comes. ``logs --since`` and merging need to know
when: its output dispatcher is the one place that all lines pass, and it has no option for that.
What it forks is Python already, and has our launcher loaded: another Python just for that would
cost every service 40 ms of processor time.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from supervisor import dispatchers, supervisord

from alfred_dev.runtime import keeper, launch


class StampedOutput(dispatchers.POutputDispatcher):  # type: ignore[misc] # supervisor has no types
    """Writes each line behind the time at which its first byte came."""

    in_line = False

    def _log(self, data: bytes | str) -> None:
        if data:
            raw = data.encode() if isinstance(data, str) else data
            super()._log(stamped(raw, in_line=self.in_line, now=datetime.now(UTC)))
            self.in_line = not raw.endswith(b"\n")


class Options(supervisord.ServerOptions):  # type: ignore[misc] # supervisor has no types
    """Starts what we launch without a Python in between."""

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        """Become the program; returns when that cannot be. Runs in the child."""
        if argv[1:-1] == ["-m", launch.__name__]:
            launch.become(argv[-1], env)
        else:
            super().execve(filename, argv, env)


def stamped(data: bytes, *, in_line: bool, now: datetime) -> bytes:
    """Put ``now`` before every line that begins in ``data``."""
    stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z ".encode()
    lines = data.splitlines(keepends=True)
    first = 1 if in_line else 0
    return b"".join(lines[:first] + [stamp + line for line in lines[first:]])


if __name__ == "__main__":
    dispatchers.POutputDispatcher = StampedOutput
    supervisord.ServerOptions = Options
    os.umask(0o077)  # logs and data are for this user alone
    keeper.note_down(Path("run"), os.environ["ALFRED_SUPERVISOR_SOCKET"])
    supervisord.main(sys.argv[1:])
