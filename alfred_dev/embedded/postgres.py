"""The Postgres of the wheel: made once, guarded, then this very process.

Started as root it steps down first; see ``stepdown``.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from alfred_dev.embedded import engines, folder, listen, stepdown
from alfred_dev.embedded.become import become, plain_environment
from alfred_dev.embedded.refused import RefusedError
from alfred_dev.embedded.spec import EmbeddedSpec
from alfred_dev.errors import AlfredError, UsageError

PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the name of a variable

SETTINGS: Mapping[str, str] = {
    "unix_socket_directories": "",  # a socket's path may be too long, and TCP asks for the password
    "fsync": "on",
    "wal_level": "logical",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "",  # the supervisor stamps each line
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

# From which major version on there is a setting, or a way to make a cluster.
IO_METHOD_SINCE = 18
BUILTIN_LOCALE_SINCE = 17

# Whoever reaches the port may try; listen_addresses decides who that is.
HBA = """\
local all all scram-sha-256
host all all all scram-sha-256
host replication all all scram-sha-256
"""


def run(spec: EmbeddedSpec, environ: Mapping[str, str]) -> NoReturn:
    """Become Postgres. Raises AlfredError: no password, no engine, or the data is not for us."""
    password = _password(environ)
    programs, major = install(environ)
    if programs is None:
        raise engines.missing(spec.id, engines.POSTGRES_WHEEL)
    data, port = spec.data.resolve(), spec.ports[0].listen
    listen.check_free(spec.bind, port)
    folder.lock(data, sys.stderr.write)
    folder.remove_leftovers(data)
    step = stepdown.step_for((programs / "postgres", data))
    if is_cluster(data, major):
        check_owner_and_mode(data, step)
        remove_stale_pid_file(data)
    else:
        make_cluster(data, programs, password, step, major)
    stepdown.give(data, step)
    stepdown.take(step)
    become(programs / "postgres", command(data, spec.bind, port, major), environment(environ))


def install(environ: Mapping[str, str]) -> tuple[Path | None, int]:
    """Return the folder of the programs, the wheel's or a pinned server's, and its major version.

    Raises AlfredError when a pinned server does not say its version.
    """
    pinned = environ.get(engines.PROGRAM, "")
    if not pinned:
        return engines.postgres_bin(), engines.POSTGRES_MAJOR
    program = Path(pinned).resolve()  # a link on PATH; initdb stands beside what it points to
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\) (\d+)", said.stdout)
    if version is None or not (program.parent / "initdb").is_file():
        raise RefusedError(
            "engine-unusable",
            "Postgres does not start",
            cause=f"{program} does not tell its version, or has no initdb beside it",
            fix=[f"{program} --version"],
        )
    return program.parent, int(version[1])


def command(data: Path, bind: str, port: int, major: int = engines.POSTGRES_MAJOR) -> list[str]:
    """Return the command line of the server."""
    settings = {"listen_addresses": bind, "port": str(port), **SETTINGS}
    if major >= IO_METHOD_SINCE:
        settings["io_method"] = "sync"  # the default keeps three more processes
    flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
    return ["-D", str(data), *flags]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the server is told.

    TZ spares initdb the search for the machine's time zone among 600 files.
    """
    return plain_environment(environ) | {"LC_ALL": "C", "TZ": "UTC"}


def is_cluster(data: Path, major: int = engines.POSTGRES_MAJOR) -> bool:
    """Tell whether ``data`` holds a cluster of version ``major``; False when there is nothing yet.

    Raises RefusedError when it holds anything else.
    """
    if not data.exists() or not any(data.iterdir()):
        return False
    try:
        found = data.joinpath("PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise RefusedError(
            "data-not-postgres",
            "Postgres does not start",
            cause=f"{data} is not empty, and is not the data of a Postgres",
            fix=[f"mv '{data}' '{data}.old'"],
        ) from None
    if found != str(major):
        raise _other_major(data, found, major)
    return True


def _other_major(data: Path, found: str, ours: int) -> RefusedError:
    return RefusedError(
        "data-other-version",
        "Postgres does not start",
        cause=f"{data} was written by PostgreSQL {found}, and this is PostgreSQL {ours}, "
        "which cannot read it; nothing was touched",
        fix=[
            f"to keep the rows: dump them with PostgreSQL {found} and restore them into {ours}",
            f"to begin anew: mv '{data}' '{data}.{found}'",
        ],
    )


def check_owner_and_mode(data: Path, step: stepdown.Step) -> None:
    """Raise RefusedError when Postgres would refuse the folder, or it belongs to a stranger."""
    status = data.stat()
    ours = {step.uid} if step.way is stepdown.Way.NONE else {0, step.uid, stepdown.nobody()[0]}
    if status.st_uid not in ours:
        raise RefusedError(
            "data-foreign",
            "Postgres does not start",
            cause=f"{data} belongs to user {status.st_uid}, and this is user {os.geteuid()}",
            fix=[f"sudo chown -R {os.geteuid()} '{data}'"],
        )
    if stat.S_IMODE(status.st_mode) & 0o027:
        raise RefusedError(
            "data-mode",
            "Postgres does not start",
            cause=f"others may enter {data} (mode {stat.S_IMODE(status.st_mode):04o})",
            fix=[f"chmod 700 '{data}'"],
        )


def remove_stale_pid_file(data: Path) -> None:
    """Remove a pid file whose number now belongs to somebody else.

    Postgres itself would refuse to start as long as any process of this user has that number,
    which after a reboot is not rare. That no Postgres of ours runs on ``data`` is known from the
    lock; one that somebody started by hand is recognised by its folder.
    """
    path = data / "postmaster.pid"
    try:
        pid = abs(int(path.read_text().split("\n", 1)[0]))
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError, OverflowError):
        return  # no such file, no such process of this user, or no number: Postgres copes
    import psutil  # 20 ms that are rarely needed

    try:
        working_folder = psutil.Process(pid).cwd()
    except psutil.ZombieProcess:  # it has ended: process 1 of a container may never collect it
        working_folder = ""
    except psutil.Error:
        return
    if working_folder != str(data.resolve()):
        path.unlink()


def make_cluster(
    data: Path,
    programs: Path,
    password: str,
    step: stepdown.Step,
    major: int = engines.POSTGRES_MAJOR,
) -> None:
    """Run initdb into a folder beside ``data``, then rename it. Raises AlfredError."""
    with folder.made_whole(data) as scratch:
        new, secret = scratch / "new", scratch / "password"
        new.mkdir(mode=0o700)
        secret.touch(mode=0o600)
        secret.write_bytes(os.fsencode(f"{password}\n"))
        stepdown.give(scratch, step)
        _initdb(programs / "initdb", new, secret, step, major)
        hba = new / "pg_hba.conf"
        hba.write_text(HBA)
        folder.sync(hba)


def _locale(major: int) -> list[str]:
    # The builtin locale sorts by code point and knows upper and lower case, the same on every
    # system, and no update of a C library changes the order of an index.
    if major >= BUILTIN_LOCALE_SINCE:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C"]


def _initdb(program: Path, new: Path, secret: Path, step: stepdown.Step, major: int) -> None:
    arguments = [
        "--username=postgres", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8",
        "--data-checksums", *_locale(major),
        "--no-instructions", f"--pgdata={new}",
    ]  # fmt: skip
    done = subprocess.run(  # noqa: PLW1509 - there is one thread, and it must step down itself
        [program, *arguments],
        preexec_fn=lambda: stepdown.take(step),
        env=environment(os.environ),
        stdin=subprocess.DEVNULL,
        close_fds=False,  # it inherits the lock
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise AlfredError(
            "initdb-failed",
            "the database could not be made",
            cause="; ".join(said[-3:]) or f"initdb ended with {done.returncode}",
            fix=[f"df -h '{new.parent.parent}'"],
        )


def _password(environ: Mapping[str, str]) -> str:
    password = environ.get(PASSWORD, "")
    if not password or "\n" in password or "\r" in password:
        flaw = "holds a line break" if password else "is not set"
        raise UsageError(
            "password-missing",
            "Postgres does not start without a password",
            cause=f"{PASSWORD} {flaw}",
            fix=[f"set {PASSWORD} in .env"],
        )
    return password
