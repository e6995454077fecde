"""The Valkey of the wheel, which speaks Redis: told its password on stdin, then this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from alfred_dev.embedded import engines, folder, listen
from alfred_dev.embedded.become import become, plain_environment
from alfred_dev.embedded.refused import RefusedError
from alfred_dev.embedded.spec import EmbeddedSpec
from alfred_dev.errors import UsageError

PASSWORD = "REDIS_PASSWORD"  # noqa: S105 - the name of a variable


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> NoReturn:
    """Become Valkey. Raises AlfredError: no password, no engine, or the data is not for us."""
    password = environ.get(PASSWORD, "")
    if not password:
        raise UsageError(
            "password-missing",
            "Redis does not start without a password",
            cause=f"{PASSWORD} is not set",
            fix=[f"set {PASSWORD} in .env"],
        )
    pinned = environ.get(engines.PROGRAM, "")
    program = Path(pinned) if pinned else engines.valkey_server()
    if program is None:
        raise engines.missing(spec.id, engines.VALKEY_WHEEL)
    data, port = spec.data.resolve(), spec.ports[0].listen
    listen.check_free(spec.bind, port)
    folder.lock(data, sys.stderr.write)
    _prepare(data)
    feed_stdin(configuration(bind=spec.bind, port=port, data=data, password=password))
    become(program, ["-"], plain_environment(environ))


def configuration(*, bind: str, port: int, data: Path, password: str) -> str:
    """Return the server's configuration.

    The append-only file is the one durable copy, at most a second behind; snapshots beside it
    would write everything twice.
    """
    lines: Mapping[str, str] = {
        "bind": bind,
        "port": str(port),
        "protected-mode": "yes",
        "requirepass": quoted(password),
        "dir": quoted(str(data)),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "tcp-backlog": "128",  # the default is above what many kernels allow, and warns of it
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def quoted(value: str) -> str:
    """Return ``value`` as one word of a configuration line, whatever it holds."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-"
    return '"' + "".join(chr(b) if b in plain else f"\\x{b:02x}" for b in os.fsencode(value)) + '"'


def feed_stdin(text: str) -> None:
    """Make ``text`` what this process, and what it becomes, reads from stdin.

    Not a command line (``ps`` shows it), not a file (it stays). ``text`` must fit into a pipe,
    which holds at least 16 KiB everywhere.
    """
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)


def _prepare(data: Path) -> None:
    os.umask(0o077)
    data.mkdir(mode=0o700, exist_ok=True)
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        if os.statvfs(data).f_flag & os.ST_RDONLY:
            raise RefusedError(
                "data-read-only",
                "Redis does not start",
                cause=f"{data}: Read-only file system",
                fix=[f"sudo mount -o remount,rw \"$(findmnt -nT '{data}' -o TARGET)\""],
            )
        raise RefusedError(
            "data-foreign",
            "Redis does not start",
            cause=f"{data} belongs to user {data.stat().st_uid}, and this is user {os.geteuid()}",
            fix=[f"sudo chown -R {os.geteuid()} '{data}'"],
        )
