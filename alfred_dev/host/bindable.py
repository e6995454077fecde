"""May this user listen on a port of loopback, and is it free?"""

from __future__ import annotations

import errno
import socket

NOT_ALLOWED = "this user may not open it"


def why_not(port: int, *, privileged: bool = False) -> str:
    """Return why ``port`` cannot be listened on, empty when it can.

    ``privileged``: another does it for this user, who may open every port.

    Asks by doing it for a moment, as servers do (SO_REUSEADDR), on both loopback addresses; a
    machine without IPv6 is asked for the first alone.
    """
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        why = _why_not(family, address, port)
        if why and not (privileged and why == NOT_ALLOWED):
            return why
    return ""


def _why_not(family: int, address: str, port: int) -> str:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen()
    except PermissionError:
        return NOT_ALLOWED
    except OSError as error:
        return "it is taken" if error.errno == errno.EADDRINUSE else ""
    return ""


def has_ipv6() -> bool:
    """Tell whether this machine has the loopback address of IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
