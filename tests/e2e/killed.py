"""alfred-dev, killed at a point: ``python -m tests.e2e.killed N ARGUMENTS...``

A point is any change that Python tells its auditors of: a file opened to be written, a rename, a
deletion, a folder made, a program started. At the N-th the process kills itself, before it is
made. With N = 0 it is never killed, and says at its end how many points there were.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate",
    "subprocess.Popen",
}  # fmt: skip
at, seen = int(sys.argv[1]), 0


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    global seen
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
    if event in CHANGES or writes:
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    from alfred_dev.cli.main import main

    sys.argv = ["alfred-dev", *sys.argv[2:]]
    sys.dont_write_bytecode = True
    sys.addaudithook(audit)
    try:
        main()
    finally:
        sys.stderr.write(f"points: {seen}\n")
