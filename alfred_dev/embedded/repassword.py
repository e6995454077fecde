"""``python -m alfred_dev.embedded.repassword FOLDER``: give a cluster the password we have.

For a password that was lost or changed: Postgres keeps it with its data, and nobody can log in to
change it. Runs the server alone on the folder, without a port, while nobody else uses it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from alfred_dev.embedded import engines, folder, postgres, stepdown
from alfred_dev.embedded.postgres import PASSWORD
from alfred_dev.errors import AlfredError

TIMEOUT_S = 60


def repassword(data: Path, environ: Mapping[str, str]) -> None:
    """Set the password of the user postgres in ``data``. Raises AlfredError; no row is touched."""
    programs, major = postgres.install(environ)
    if programs is None:
        raise engines.missing("db-postgres", engines.POSTGRES_WHEEL)
    if not postgres.is_cluster(data, major):
        raise _failed(f"there is no database in {data}")
    folder.lock(data, sys.stderr.write)
    step = stepdown.step_for((programs / "postgres", data))
    stepdown.give(data, step)
    done = subprocess.run(  # noqa: PLW1509 - there is one thread, and it must step down itself
        [programs / "postgres", "--single", "-D", str(data), "postgres"],
        preexec_fn=lambda: stepdown.take(step),
        input=statement(environ[PASSWORD]),
        env=postgres.environment(environ),
        close_fds=False,  # it inherits the lock
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0 or "ERROR" in done.stderr:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise _failed("; ".join(said[-2:]).replace(environ[PASSWORD], "***"))


def statement(password: str) -> str:
    """Return the one statement; a quote in the password is doubled, a backslash is plain."""
    may = "LOGIN SUPERUSER VALID UNTIL 'infinity'"  # a password alone lets nobody in without these
    return "ALTER ROLE postgres {} PASSWORD '{}'\n".format(may, password.replace("'", "''"))


def _failed(cause: str) -> AlfredError:
    return AlfredError(
        "password-not-set",
        "the password of Postgres was not changed",
        cause=cause,
        fix=["alfred-dev logs db-postgres"],
    )


if __name__ == "__main__":
    try:
        repassword(Path(sys.argv[1]).resolve(), os.environ)
    except AlfredError as error:
        sys.exit(f"{error.what}: {error.cause}")
