"""``python -m alfred_dev.embedded.pubsub.beside PORT PROGRAM...``: become somebody's emulator.

An emulator forgets everything when it ends. So each time that it starts, a short-lived process
beside it waits until it answers and gives it the topics and subscriptions that are declared.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from alfred_dev import topology
from alfred_dev.catalog.topology import Wanted

PATIENCE_S = 60.0
_POLL_S = 0.1


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Execute the program; ends with 127 when it cannot be executed."""
    port, *command = arguments
    wanted = topology.told(environ)
    if wanted and _is_beside():
        _give(int(port), wanted)
    try:
        os.execve(command[0], command, dict(environ))  # noqa: S606 - no shell: wanted
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be executed: {error.strerror}\n")
        sys.exit(127)


def _is_beside() -> bool:
    """Split off a process that is nobody's child, and tell whether this is it."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return False
    if os.fork():
        os._exit(0)
    return True


def _give(port: int, wanted: Sequence[Wanted]) -> NoReturn:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            for line in topology.ensure("127.0.0.1", port, wanted):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            os._exit(0)
        except topology.TopologyError as error:
            if time.monotonic() > end:
                sys.stderr.write(f"topics and subscriptions are missing: {error}\n")
                os._exit(1)
            time.sleep(_POLL_S)


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
