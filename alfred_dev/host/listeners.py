"""Who listens on TCP ports, and which of our ports that takes."""

from __future__ import annotations

import errno
import pwd
import socket
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from alfred_dev.host import containers, holders, lsof, procnet
from alfred_dev.host.containers import Container, Published
from alfred_dev.host.upkeep import Keeper, keeper_of

COMMAND_LENGTH = 200
DIAL_TIMEOUT_S = 0.5
# Where a listener is in the way of 127.0.0.1, or of what people and browsers mean by localhost.
IN_THE_WAY = frozenset(
    {"127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"}
)  # fmt: skip
_REASONS = {
    errno.EADDRINUSE: "something holds it that cannot be seen from here",
    errno.EACCES: "this user may not listen on it",
    errno.EADDRNOTAVAIL: "this machine has no address 127.0.0.1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One socket that accepts TCP connections.

    ``pid`` is None, ``program`` and ``command`` are empty where the process is hidden from this
    user; ``command``: arguments joined by spaces, at most 200 characters, printable only;
    ``keeper``: the supervisor of another checkout that would start it again.
    """

    address: str
    port: int
    pid: int | None
    program: str
    command: str
    uid: int | None
    user: str
    keeper: Keeper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One port of ours and one process that holds it.

    ``addresses``: where it listens, none when the port merely cannot be bound (``reason`` says
    why); ``hint``: what the holder is, where known; ``container``: the one that publishes the
    port, where known; ``fix``: one line a step, to be typed.
    """

    port: int
    service: str
    pid: int | None = None
    program: str = ""
    command: str = ""
    user: str = ""
    addresses: tuple[str, ...] = ()
    hint: str = ""
    reason: str = ""
    fix: tuple[str, ...] = ()
    container: Container | None = None

    def __str__(self) -> str:
        return f"{self.port:>5} {self.service:<20} {self._holder()}"

    def _holder(self) -> str:
        if self.container:
            through = f" through {self._process()}" if self.addresses else ""
            return f"held by {self.container}{through}"
        if self.reason:
            return f"cannot be used: {self.reason}"
        owner = self._process()
        command = f": {self.command}" if self.command else ""
        where = " and ".join(f"[{a}]" if ":" in a else a for a in self.addresses)
        return f"held by {owner}{command} on {where}" + (f"; {self.hint}" if self.hint else "")

    def _process(self) -> str:
        if self.pid is None:
            return f"a process of user {self.user} (pid not visible to this user)"
        return f"{self.program or 'a process'} (pid {self.pid})"


def conflicts(
    ports: Mapping[int, str],
    listeners: Iterable[Listener],
    *,
    own_pids: Collection[int] = (),
    platform: str = sys.platform,
) -> list[Conflict]:
    """Return which of ``ports`` (port -> service) are held by somebody else, by port.

    Pure. One conflict for each port and process, on however many addresses it listens.
    """
    foreign = [
        found for found in listeners
        if found.port in ports and found.address in IN_THE_WAY and found.pid not in own_pids
    ]  # fmt: skip
    return [
        _conflict(ports, list(group), platform)
        for _, group in groupby(sorted(foreign, key=_order), key=_holder_key)
    ]


def _holder_key(listener: Listener) -> tuple[int, int, str]:
    return listener.port, listener.pid or 0, "" if listener.pid else listener.user


def _order(listener: Listener) -> tuple[tuple[int, int, str], bool, str]:
    return _holder_key(listener), ":" in listener.address, listener.address


def _conflict(ports: Mapping[int, str], group: list[Listener], platform: str) -> Conflict:
    first = group[0]
    product = holders.product(first.program, first.user, first.command)
    return Conflict(
        port=first.port,
        service=ports[first.port],
        pid=first.pid,
        program=first.program,
        command=first.command,
        user=first.user,
        addresses=tuple(dict.fromkeys(found.address for found in group)),
        hint=_hint(first, product),
        fix=first.keeper.fix()
        if first.keeper
        else holders.fix(product, port=first.port, pid=first.pid, platform=platform),
    )


def _hint(listener: Listener, product: holders.Product | None) -> str:
    if listener.keeper:
        return f"the checkout {listener.keeper.root}"
    return product.hint if product else ""


def unlisted(
    ports: Mapping[int, str],
    known: Iterable[Conflict],
    *,
    published: Collection[str] = (),
    platform: str = sys.platform,
) -> list[Conflict]:
    """Return which other of ``ports`` cannot be bound, though no table shows a holder.

    To be asked while nothing of ours listens there. ``known``: what ``conflicts`` returned;
    ``published``: the services whose ports an engine opens, which may do what this user may not.
    """
    forbidden = _REASONS[errno.EACCES]
    taken = {conflict.port for conflict in known}
    return [
        Conflict(
            port=port,
            service=service,
            reason=reason,
            fix=holders.fix(None, port=port, pid=None, platform=platform),
        )
        for port, service in sorted(ports.items())
        if port not in taken
        and (reason := can_bind(port))
        and not (reason == forbidden and service in published)
    ]


def with_containers(found: Iterable[Conflict]) -> list[Conflict]:
    """Return ``found``, those that a container is behind named by it.

    Asks the container engine, for at most 2 seconds, only where that may be so.
    """
    known = list(found)
    ports = {conflict.port for conflict in known if _may_be_container(conflict)}
    return name_containers(known, containers.published(ports)) if ports else known


def name_containers(found: Iterable[Conflict], published: Published) -> list[Conflict]:
    """Return ``found`` with the containers of ``published``. Pure."""
    return [
        replace(
            conflict,
            container=container,
            hint=holders.DOCKER.hint,
            reason="",
            fix=(f"docker stop {container.name}",),
        )
        if _may_be_container(conflict) and (container := _behind(conflict, published))
        else conflict
        for conflict in found
    ]


def _may_be_container(conflict: Conflict) -> bool:
    if conflict.reason:
        return conflict.reason == _REASONS[errno.EADDRINUSE]
    return conflict.pid is None or _is_engine(conflict)


def _is_engine(conflict: Conflict) -> bool:
    return holders.product(conflict.program, conflict.user, conflict.command) is holders.DOCKER


def _behind(conflict: Conflict, published: Published) -> Container | None:
    """Return the container behind ``conflict``: on its very address, else the only possible one.

    A hidden process on another address is a stranger; the engine's own need not listen where the
    container is published (Docker Desktop listens for it), nor be in any table.
    """
    places = ((address, conflict.port) for address in conflict.addresses)
    exact = [published[place] for place in places if place in published]
    if exact or (conflict.addresses and not _is_engine(conflict)):
        return exact[0] if exact else None
    others = {c for (a, port), c in published.items() if port == conflict.port and a in IN_THE_WAY}
    return others.pop() if len(others) == 1 else None


def listeners(ports: Collection[int] | None = None) -> list[Listener]:
    """Return who listens on ``ports`` (None: on any), IPv4 and IPv6, by port and address.

    Raises MachineError where the platform's own tool cannot be asked.
    """
    look = _by_lsof if sys.platform == "darwin" else _by_procnet
    return sorted(look(ports), key=_order)


def _by_procnet(ports: Collection[int] | None) -> list[Listener]:
    sockets = [s for s in procnet.listening() if ports is None or s.port in ports]
    pids = procnet.holders(sockets)
    return [
        Listener(
            address=found.address,
            port=found.port,
            pid=(pid := pids.get(found.inode)),
            program=_printable(procnet.program(pid)) if pid else "",
            command=_printable(procnet.command(pid)) if pid else "",
            uid=found.uid,
            user=_user(found.uid),
            keeper=keeper_of(pid) if pid else None,
        )
        for found in sockets
    ]


def _by_lsof(ports: Collection[int] | None) -> list[Listener]:
    records = [r for r in lsof.listening() if ports is None or r.port in ports]
    commands = lsof.commands({record.pid for record in records})
    return [_from_lsof(record, commands.get(record.pid, "")) for record in records]


def _from_lsof(record: lsof.Record, command: str) -> Listener:
    # lsof cuts names after 9 characters; the command line begins with the whole path.
    name = command.split(" ")[0].rpartition("/")[2]
    return Listener(
        address=record.address,
        port=record.port,
        pid=record.pid,
        program=_printable(name if name.startswith(record.program) else record.program),
        command=_printable(command),
        uid=record.uid,
        user=record.user,
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # an account of another namespace
        return str(uid)


def _printable(text: str) -> str:
    """Cut, and leave out what could steer a terminal: it is somebody else's text."""
    return "".join(c if c.isprintable() else "?" for c in text[:COMMAND_LENGTH])


def can_bind(port: int, *, dial: bool = sys.platform == "darwin") -> str | None:
    """Return why a server of ours could not listen on 127.0.0.1:``port``, None if it could.

    Sees what no table shows: a holder in another namespace, a port that needs privilege.
    ``dial``: also connect; BSD kernels let us bind beside a listener on all addresses.
    """
    if dial and _answers(port):
        return _REASONS[errno.EADDRINUSE]
    with socket.socket() as probe:
        # As servers do: connections that linger after their end are not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            return _REASONS.get(error.errno or 0) or str(error)
    return None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(DIAL_TIMEOUT_S)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
        # Dialling a free port of the outgoing range may, rarely, reach the dialling socket itself.
        return bool(probe.getsockname() != probe.getpeername())
