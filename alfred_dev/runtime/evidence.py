"""What log files say of processes that have ended."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ENDED = re.compile(r"(?:exited|stopped): (\S+) \((.+?)(?:; (?:not )?expected)?\)")


def endings(log: str) -> dict[str, str]:
    """Return the last ending of each program from supervisord's log."""
    return {match[1]: match[2] for match in _ENDED.finditer(log)}


def tail(path: Path, size: int) -> str:
    """Return at most the last ``size`` bytes of ``path``; nothing when it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
