"""Linux: from which ports connections are made here, and how many are taken to one place."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
SOCKETS = Path("/proc/net/tcp")
LOOPBACK = "0100007F"  # 127.0.0.1 as the kernel writes it
LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """``ports``: how many there are, 0 where nothing is known; ``taken``: of them by connections
    to ``busiest``, the port of this machine that has most; those just closed count too."""

    ports: int = 0
    taken: int = 0
    busiest: int = 0


def look() -> Outgoing:
    """Return what the kernel shows. Raises nothing."""
    with contextlib.suppress(OSError, ValueError):
        return counted(RANGE.read_text(), SOCKETS.read_text())
    return Outgoing()


def counted(span: str, sockets: str) -> Outgoing:
    """Read both files. Raises ValueError. Pure."""
    low, high = (int(number) for number in span.split())
    places: Counter[int] = Counter()
    for line in sockets.splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        address, _, port = remote.partition(":")
        own = int(local.partition(":")[2], 16)
        if state != LISTENING and address == LOOPBACK and low <= own <= high:
            places[int(port, 16)] += 1
    busiest, taken = places.most_common(1)[0] if places else (0, 0)
    return Outgoing(ports=high - low + 1, taken=taken, busiest=busiest)
