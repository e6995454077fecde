"""Which addresses the network gets: clear of everything that this machine can reach already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, collapse_addresses

from alfred_dev.errors import MachineError

PREFIX = 24
# Rarely used by home routers, offices and VPNs; tried in this order.
RANGES = tuple(
    map(IPv4Network, ("172.28.0.0/14", "10.213.0.0/16", "192.168.192.0/19", "172.20.0.0/14"))
)


def choose(
    taken: Iterable[IPv4Network], *, start: int = 0, preferred: str | None = None
) -> IPv4Network:
    """Return a subnet that overlaps nothing in ``taken``. Raises MachineError when there is none.

    ``preferred``: the one that was used last, taken again where it is free; ``start``: where to
    begin to look, so that two checkouts seldom want the same.
    """
    busy = list(collapse_addresses(n for n in taken if n.prefixlen > 0))
    for candidate in (*_parsed(preferred), *_candidates(start)):
        if not any(candidate.overlaps(network) for network in busy):
            return candidate
    raise MachineError(
        "subnet-taken",
        "no addresses are left for the network",
        cause=f"everything in {', '.join(map(str, RANGES))} is routed elsewhere: "
        + ", ".join(map(str, busy[:4])),
        fix=["docker network prune   (asks; deletes networks that nobody uses)", "ip route"],
    )


def _parsed(subnet: str | None) -> list[IPv4Network]:
    return [IPv4Network(subnet)] if subnet else []


def _candidates(start: int) -> Iterator[IPv4Network]:
    for network in RANGES:
        subnets = list(network.subnets(new_prefix=PREFIX))
        offset = start % len(subnets)
        yield from (*subnets[offset:], *subnets[:offset])
