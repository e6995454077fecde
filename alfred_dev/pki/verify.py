"""Proves trust: a throw-away leaf, a real server, and a real handshake of each client.

That a certificate lies in the right folder proves nothing. Each client is run as it is found,
against a server on a port of its own, by the way that it is meant to trust us.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alfred_dev.changes.machine import Machine
from alfred_dev.pki import certificates
from alfred_dev.pki.certificates import Pair
from alfred_dev.pki.trust import nss

LOCALHOST = "localhost"
PATIENCE_S = 0.2
LIFE = timedelta(days=1)
SYSTEM, VARIABLES, DATABASE = "the system's store", "alfred-dev run", "its own database"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_PYTHON = (
    "import socket, ssl, sys\n"
    "with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5) as plain:\n"
    "    ssl.create_default_context().wrap_socket(plain, server_hostname=sys.argv[2]).close()\n"
)
_NODE = (
    "const [, port, servername] = process.argv;"
    "const s = require('tls').connect({host: '127.0.0.1', port, servername}, () => s.end());"
    "s.on('error', e => { console.error(e.code + ': ' + e.message); process.exit(1); });"
    "s.on('close', () => process.exit());"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client. ``trusts_by``: how it comes to trust us; ``command`` takes port and name.

    ``variables``: whether it is run with those of ``alfred-dev run``.
    """

    name: str
    trusts_by: str
    command: Callable[[int, str], Sequence[str]]
    variables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of one client. ``ok`` None: it is not here."""

    client: str
    trusts_by: str
    ok: bool | None
    detail: str


def verify(
    machine: Machine, ca: Pair, name: str, now: datetime, variables: Mapping[str, str]
) -> tuple[Proof, ...]:
    """Have every client here shake hands with a server called ``name``. Takes about 2 seconds."""
    leaf = certificates.issue(ca, [name, LOCALHOST], now, life=LIFE)
    with serving(leaf) as port:
        return tuple(_prove(machine, client, port, name, variables) for client in clients(machine))


def clients(machine: Machine) -> Iterator[Client]:
    """Yield the clients; those that are not here too."""
    system, own = _python(machine), sys.executable
    yield Client(name="Python", trusts_by=SYSTEM, command=_by_python(system, "-I"))
    yield Client(
        name=f"Python ({own})", trusts_by=VARIABLES, command=_by_python(own), variables=True
    )
    yield Client(name="curl", trusts_by=SYSTEM, command=_by_curl)
    yield Client(name="Node", trusts_by=VARIABLES, command=_by_node, variables=True)
    for database in _databases(machine):
        command = _tstclnt(database.folder)
        yield Client(name=f"NSS: {database.title}", trusts_by=DATABASE, command=command)


def _by_python(program: str, *options: str) -> Callable[[int, str], Sequence[str]]:
    return lambda port, name: (program, *options, "-c", _PYTHON, str(port), name)


def _by_curl(port: int, name: str) -> Sequence[str]:
    options = ("-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "5")
    return ("curl", *options, "--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/")


def _by_node(port: int, name: str) -> Sequence[str]:
    return ("node", "-e", _NODE, str(port), name)


def _python(machine: Machine) -> str:
    """Return the distribution's Python: one that a user built has a store of its own."""
    system = machine.which("/usr/bin/python3")
    return system or machine.which("python3") or sys.executable


def _databases(machine: Machine) -> list[nss.Database]:
    return [d for d in nss.find(machine) if (d.folder / nss.FILES[0]).exists()]


def _tstclnt(folder: Path) -> Callable[[int, str], Sequence[str]]:
    # It has no option for the address: it connects to the name that it checks.
    return lambda port, _: (
        "tstclnt", "-4", "-d", f"sql:{folder}", "-h", LOCALHOST, "-p", str(port), "-A", "/dev/null"
    )  # fmt: skip


def _prove(
    machine: Machine, client: Client, port: int, name: str, variables: Mapping[str, str]
) -> Proof:
    command = list(client.command(port, name))
    if machine.which(command[0]) is None:
        detail = f"{command[0]} is not here"
        return Proof(client=client.name, trusts_by=client.trusts_by, ok=None, detail=detail)
    if client.variables:
        command = ["env", *(f"{key}={value}" for key, value in variables.items()), *command]
    else:
        command = ["env", *(f"-u{key}" for key in variables), *command]
    said = machine.ask(command)
    lines = said.text.strip().splitlines()
    shown = [line for line in lines if line.startswith("curl: (")] or lines[-1:]
    detail = "" if said.ok else (shown[0] if shown else "it said nothing")
    return Proof(client=client.name, trusts_by=client.trusts_by, ok=said.ok, detail=detail)


@contextlib.contextmanager
def serving(leaf: Pair) -> Iterator[int]:
    """Serve one line over TLS on 127.0.0.1 while the block runs; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:  # mode 0600
        file.write(leaf.certificate + leaf.key)
        file.flush()
        context.load_cert_chain(file.name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        work = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        work.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        work.join(5)


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with contextlib.suppress(OSError, ValueError):  # whoever does not trust us hangs up
            plain.settimeout(5)
            with plain, context.wrap_socket(plain, server_side=True) as secure:
                secure.settimeout(PATIENCE_S)  # not every client has something to say
                with contextlib.suppress(TimeoutError):
                    secure.recv(4096)
                secure.sendall(ANSWER)
