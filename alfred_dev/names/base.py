"""What every way has: check, install, uninstall; and the addresses that names lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alfred_dev.changes.model import Step

IPV4 = "127.0.0.1"
ADDRESSES = (IPV4, "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the checkouts want together: names for hosts files, domains and a server for DNS.

    ``plain``: names of services that the gateway does not answer for; those listen on IPv4 alone,
    so they get no other address. ``servers``: ``address:port`` of our own dnsmasq.
    """

    names: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


def pack(wanted: Wanted) -> tuple[str, ...]:
    """Return ``wanted`` as the ledger keeps it."""
    parts = {
        "name": wanted.names,
        "plain": wanted.plain,
        "domain": wanted.domains,
        "server": wanted.servers,
    }
    return tuple(f"{kind} {text}" for kind, texts in parts.items() for text in texts)


def unpack(texts: Sequence[str]) -> Wanted:
    """Return what the ledger kept, of one checkout or of several."""
    found: dict[str, dict[str, None]] = {"name": {}, "plain": {}, "domain": {}, "server": {}}
    for text in texts:
        kind, _, value = text.partition(" ")
        found.setdefault(kind, {})[value] = None
    return Wanted(
        names=tuple(found["name"]),
        plain=tuple(found["plain"]),
        domains=tuple(found["domain"]),
        servers=tuple(found["server"]),
    )


class Way(Protocol):
    """One way by which names can lead to this machine."""

    @property
    def kind(self) -> str:
        """Who can undo it: the name of its file."""

    @property
    def target(self) -> str:
        """What is changed: a file."""

    @property
    def title(self) -> str:
        """For people: what it is."""

    def lacks(self) -> tuple[str, ...]:
        """Return why it cannot be used, and what to type; empty when it can."""

    def check(self, wanted: Wanted) -> bool:
        """Tell whether it is in place for at least ``wanted``."""

    def record(self) -> Mapping[str, str]:
        """Return what undoing takes to know of the machine as it is before us."""

    def install(self, wanted: Wanted) -> tuple[Step, ...]:
        """Return the steps that put it in place for exactly ``wanted``."""

    def uninstall(self, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Return the steps that make it as it was."""
