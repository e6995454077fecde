"""``ports:`` and ``volumes:`` entries, short and long. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alfred_dev.errors import Where
from alfred_dev.lint.tree import HOLE, Map, Node, Scalar, printable

LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}|::1|localhost")
EVERYWHERE = ("", "0.0.0.0", "::", "*")
MAX_RANGE = 100
NUMBERS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z")
LAST = 65535
WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One published port. ``published`` is None when Docker chooses it, or a variable decides."""

    host_ip: str
    published: int | None
    target: int
    protocol: str
    where: Where
    published_text: str = ""
    loose: bool = False  # taken from a range: Docker takes any free one

    @property
    def everywhere(self) -> bool:
        """Whether it is open on all interfaces."""
        return self.host_ip in EVERYWHERE


def parse(node: Node) -> tuple[Port, ...]:
    """Return the ports of one entry; nothing when it cannot be read (see ``mistake``)."""
    if isinstance(node, Map):
        return _long(node)
    if not isinstance(node, Scalar):
        return ()
    text, _, protocol = node.text.partition("/")
    head, _, target = text.rpartition(":")
    address, published = _address(head)
    return _ports(address, published, target, protocol or "tcp", node.where)


def _address(head: str) -> tuple[str, str]:
    """Split what stands before the container's port: an address, a host port."""
    if head.startswith("["):
        address, _, published = head[1:].partition("]")
        return address, published.lstrip(":")
    address, colon, published = head.rpartition(":")
    return (address, published) if colon else ("", head)


def _long(node: Map) -> tuple[Port, ...]:
    def text(key: str) -> str:
        found = node.get(key)
        return found.text if isinstance(found, Scalar) and not found.null else ""

    where = node.at("published") if "published" in node.items else node.at("target")
    return _ports(
        text("host_ip"), text("published"), text("target"), text("protocol") or "tcp", where
    )


def _ports(
    address: str, published: str, target: str, protocol: str, where: Where
) -> tuple[Port, ...]:
    inside = span(target)
    if not inside:
        return ()
    outside = span(published)
    if HOLE in published or not outside:
        outside = [None] * len(inside)  # type: ignore[list-item] # a host port nobody knows
    loose = len(outside) > len(inside) == 1
    return tuple(
        Port(
            host_ip=address.replace(HOLE, "?"),
            published=None if loose else host,
            target=container,
            protocol=protocol,
            where=where,
            published_text=published,
            loose=loose,
        )
        for host, container in zip(outside, inside, strict=False)
    )


def span(text: str) -> list[int]:
    """``8000-8002`` -> its numbers, ``MAX_RANGE`` at most; nothing when it is no port."""
    found = NUMBERS.match(text)
    if not found:
        return []
    first = int(found[1])
    last = int(found[2] or first)
    if not first <= last <= LAST:
        return []
    return list(range(first, min(last, first + MAX_RANGE - 1) + 1))


def mistake(node: Node) -> str | None:
    """Say what is wrong with an entry that Compose refuses."""
    if not isinstance(node, Scalar) or HOLE in node.text:
        return None
    found = parse(node)
    if found and (not found[0].published_text or span(found[0].published_text)):
        return None
    return f"{printable(node.raw)} is no port mapping"


def split_mount(text: str) -> tuple[str, str, str]:
    """``source:target:mode`` -> its parts; a volume without a name has no source."""
    drive = text[:2] if WINDOWS.match(text) else ""
    parts = text[len(drive) :].split(":")
    if len(parts) == 1:
        return "", drive + parts[0], ""
    return drive + parts[0], parts[1], ":".join(parts[2:])
