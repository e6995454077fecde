"""``python leash.py PROGRAM [ARGUMENT]...``: a program that never outlives who started it.

Linux tells it of that death itself; elsewhere a watcher asks twice a second. Only the standard
library: it runs without ours, so that it starts in 10 ms.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
POLL_S = 0.5
WATCH = "ALFRED_LEASH_WATCH"


def main(argv: list[str]) -> int:
    """Become the program, or watch over it."""
    parent = os.getppid()
    if sys.platform == "linux" and WATCH not in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we were told
            return 1
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is involved
    child = os.fork()
    if child == 0:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is involved
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    return watch(child, parent)


def watch(child: int, parent: int) -> int:
    """Wait for the child; end it when the parent has gone."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 0xFF
        if os.getppid() != parent:
            os.kill(child, signal.SIGTERM)
        time.sleep(POLL_S if os.getppid() == parent else 0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
