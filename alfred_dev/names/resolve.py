"""Resolves names as programs do, and asks DNS beside that, to say who answers what."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

SYSTEM_TIMEOUT_S = 3.0
DNS_TIMEOUT_S = 1.0
WORKERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What one name leads to by the system's own way; ``dns``: by DNS alone, where asked."""

    name: str
    addresses: tuple[str, ...]
    dns: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it leads to this machine, and nowhere else."""
        return bool(self.addresses) and all(map(_is_loopback, self.addresses))


def resolve(
    names: Iterable[str],
    *,
    system: Callable[[str], tuple[str, ...]] | None = None,
    timeout_s: float = SYSTEM_TIMEOUT_S,
) -> tuple[Resolution, ...]:
    """Resolve every name at once by getaddrinfo, which is what clients use.

    A name without an answer in ``timeout_s`` has none: the resolver cannot be interrupted, so
    its threads are left behind as daemons.
    """
    asked = tuple(names)
    answers: queue.Queue[tuple[str, tuple[str, ...]]] = queue.Queue()
    todo: queue.Queue[str] = queue.Queue()
    for name in asked:
        todo.put(name)
    for _ in range(min(WORKERS, len(asked))):
        work = threading.Thread(
            target=_work, args=(todo, answers, system or by_system), daemon=True
        )
        work.start()
    found = _collect(answers, len(asked), timeout_s)
    return tuple(Resolution(name=name, addresses=found.get(name, ())) for name in asked)


def _work(
    todo: queue.Queue[str],
    answers: queue.Queue[tuple[str, tuple[str, ...]]],
    system: Callable[[str], tuple[str, ...]],
) -> None:
    while True:
        try:
            name = todo.get_nowait()
        except queue.Empty:
            return
        answers.put((name, system(name)))


def _collect(
    answers: queue.Queue[tuple[str, tuple[str, ...]]], count: int, timeout_s: float
) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    deadline = time.monotonic() + timeout_s
    while len(found) < count:
        try:
            name, addresses = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = addresses
    return found


def by_system(name: str) -> tuple[str, ...]:
    """Return the addresses that getaddrinfo gives; none for a name that does not resolve."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def by_dns(name: str, *, server: str | None = None, port: int = 53) -> tuple[str, ...]:
    """Return the addresses that DNS gives, without hosts files; none when it has no answer.

    ``server``: which one to ask; without it those of this system.
    """
    import dns.exception
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver(configure=server is None)
        if server is not None:
            resolver.nameservers, resolver.port = [server], port
        resolver.lifetime = resolver.timeout = DNS_TIMEOUT_S
        answers = [resolver.resolve(name, kind, raise_on_no_answer=False) for kind in ("A", "AAAA")]
    except (dns.exception.DNSException, OSError):
        return ()
    return tuple(str(row) for answer in answers for row in answer.rrset or ())


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
