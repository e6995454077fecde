"""Ways by which the stack's names lead to this machine, one file each. Adding one is a file."""

from __future__ import annotations

from alfred_dev.changes.machine import Machine
from alfred_dev.names import dnsmasq, hosts_file, resolved, resolver_folder, windows_hosts
from alfred_dev.names.base import Way

HOSTS = (hosts_file, windows_hosts)
DNSMASQ = (dnsmasq, resolved, resolver_folder)


def by_hosts(machine: Machine) -> tuple[Way, ...]:
    """Return the hosts files that this machine has."""
    return tuple(way for module in HOSTS for way in module.find(machine))


def by_dnsmasq(machine: Machine) -> tuple[Way, ...]:
    """Return how this machine can ask a dnsmasq, the best first."""
    return tuple(way for module in DNSMASQ for way in module.find(machine))


def way_of(machine: Machine, kind: str, target: str) -> Way | None:
    """Return the way that the ledger names, None when it is not there any more.

    One that could not be taken today is there all the same: it may have been taken before a VPN,
    say, had this machine ask somebody else.
    """
    found = (*by_hosts(machine), *(way for module in DNSMASQ for way in module.made(machine)))
    return next((way for way in found if (way.kind, way.target) == (kind, target)), None)


__all__ = ["Way", "by_dnsmasq", "by_hosts", "way_of"]
