"""A service looks for another where that is no more: it keeps an address that it resolved once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import restart, unwell
from alfred_dev.doctor.look.engine import Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service

ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
AGAIN = (
    "Start it anew: it asks for the name again. If a variable of it holds the address, write the "
    "name there."
)
UNREACHED = words.either(words.REFUSED.pattern, r"timed? ?out", r"no route to host",
                         r"unreachable", r"EHOSTUNREACH", r"ETIMEDOUT", r"no answer")  # fmt: skip


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find lines of ill services about an address of our network that nobody has any more."""
    now = {c.service: c.address for c in seen.ours if c.address}
    for service in unwell(seen.services):
        found = next(_stale(service, seen.subnet, now), None)
        if found:
            line, address, target = found
            where = f", which is at {now[target]} by now" if target else ""
            yield Finding(
                subject=service.id,
                about=frozenset({target} if target else ()),
                cause=f"{service.id} keeps an old address: it looks for {target or 'somebody'} at "
                f"{address}{where}",
                evidence=(line, f"{target or 'nobody'} has {now.get(target, address)}"),
                fix=Fix(text=AGAIN, commands=(restart(service.id),), automatic=True),
            )


def _stale(service: Service, subnet: str, now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield line, address and whom it means ("": not known), the last first."""
    told = [e.detail for e in service.status.endpoints if not e.healthy]
    for line in (*told, *service.said[::-1]):
        if not subnet or not UNREACHED.search(line):
            continue
        named = [n for n in now if n != service.id and re.search(rf"(?<![\w-]){n}(?![\w-])", line)]
        target = named[0] if len(named) == 1 else ""
        for address in ADDRESS.findall(line):
            moved = now[target] != address if target else address not in now.values()
            if moved and _inside(address, subnet):
                yield line, address, target


def _inside(address: str, subnet: str) -> bool:
    """Tell whether a container of the network could have it; the first is the engine's own."""
    try:
        network, host = ipaddress.IPv4Network(subnet), ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return host in network and int(host) > int(network.network_address) + 1


CHECK = Check(
    code="address-old",
    title="A service keeps an address that another no longer has",
    category=Category.NETWORK,
    cause="a container was made anew and got another address; a client that resolves a name once "
    "goes on asking the old one",
    fix="`alfred-dev restart SERVICE`",
    depends_on=frozenset({"container-network", "engine-down", "firewall", "service-stopped"}),
    rank=28,
    observe=containers,
    judge=judge,
)
