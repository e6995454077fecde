"""Ending as another program, in the same process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn


def become(program: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Go on as ``program``, under the same process number. Raises OSError when it cannot run."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would keep that
    sys.stdout.flush()
    sys.stderr.flush()
    # A program that looks for its own files by its name must be given the whole of it.
    os.execve(program, [str(program), *arguments], environment)  # noqa: S606 - no shell: wanted


def plain_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what any program may be told: no secrets, nothing that changes its behaviour.

    Everybody of this user can read a process's environment, as it was at the start.
    """
    return {key: environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in environ}
