"""Taking a port, or saying in one line why not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from alfred_dev.errors import AlfredError

BACKLOG = 512


def listening(bind: str, port: int) -> socket.socket:
    """Return a socket that listens on ``bind:port``. Raises AlfredError: taken, or not allowed."""
    return _taken(bind, port, listen=True)


def listening_at(path: Path) -> socket.socket:
    """Return a socket that listens at ``path``, for this user alone; what was there is gone.

    The path is as short as it can be from here: the system takes 107 bytes. Raises AlfredError.
    """
    near = min(str(path), os.path.relpath(path), key=len)
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        taken.bind(near)
        path.chmod(0o600)
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise AlfredError(
            "socket-refused",
            f"cannot listen at {path}",
            cause=str(error),
            fix=[f"ls -ld '{path.parent}'"],
        ) from error
    return taken


def check_free(bind: str, port: int) -> None:
    """Raise AlfredError when ``bind:port`` is taken, or not allowed."""
    _taken(bind, port, listen=False).close()


def _taken(bind: str, port: int, *, listen: bool) -> socket.socket:
    # Named as TCP: asyncio turns Nagle's algorithm off only where it sees that, and with it on
    # every second answer of a kept connection waits 40 ms for the client's acknowledgement.
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # What a server that has just ended leaves behind (TIME_WAIT) does not count as taken.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((bind, port))
        if listen:
            taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise cannot_listen(bind, port, os.strerror(error.errno or 0)) from error
    return taken


def cannot_listen(bind: str, port: int, cause: str) -> AlfredError:
    """Say that ``bind:port`` cannot be had."""
    return AlfredError(
        "port-taken",
        f"cannot listen on {bind}:{port}",
        cause=cause,
        fix=[f"lsof -nP -iTCP:{port} -sTCP:LISTEN"],
    )
