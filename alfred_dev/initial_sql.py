"""The SQL that alfred.yaml names, run once in a database that is there for the first time.

It comes with somebody's repository, and a superuser's SQL can start programs. So it runs as a role
of its own that may make what a schema needs, and nothing beyond the database.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alfred_dev.errors import AlfredError, ConfigError, Problem, Where
from alfred_dev.probe.base import Target

ROLE = "alfred_initial"
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 300.0
_PREPARE = f"""
SELECT pg_advisory_xact_lock(7020105231);
CREATE SCHEMA IF NOT EXISTS alfred_dev;
CREATE TABLE IF NOT EXISTS alfred_dev.initial_sql (
    path text PRIMARY KEY,
    digest text NOT NULL,
    ran_at timestamptz NOT NULL DEFAULT now()
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} CREATEROLE CREATEDB NOSUPERUSER;
    END IF;
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;  -- which that role may not
    END IF;
    EXECUTE format('GRANT ALL ON DATABASE %I TO {ROLE}', current_database());
END $$;
GRANT ALL ON SCHEMA public TO {ROLE};
GRANT USAGE ON SCHEMA alfred_dev TO {ROLE};
GRANT SELECT, INSERT ON alfred_dev.initial_sql TO {ROLE};
"""  # noqa: S608 - a constant, nothing from outside
_KNOWN = "SELECT path, digest FROM alfred_dev.initial_sql"
_NOTE = "INSERT INTO alfred_dev.initial_sql (path, digest) VALUES ($1, $2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One file. ``path``: as alfred.yaml names it."""

    path: str
    text: str

    @property
    def digest(self) -> str:
        """Return what changes with the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read(root: Path, named: Iterable[tuple[str, Where]]) -> tuple[Script, ...]:
    """Read the files. Raises ConfigError for every one that cannot be read."""
    scripts, problems = [], []
    for path, where in named:
        file = (root / path).resolve()
        try:
            if not file.is_relative_to(root.resolve()):
                raise ValueError("it lies outside of the project")
            scripts.append(Script(path=path, text=file.read_text()))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            message = f"initial SQL {path} cannot be read: {reason}"
            problems.append(Problem(where.file, where.line, where.column, message))
    if problems:
        raise ConfigError("alfred.yaml cannot be used", problems)
    return tuple(scripts)


def run(database: Target, scripts: Sequence[Script], tell: Callable[[str], object]) -> None:
    """Run what this database has not seen yet, each file whole or not at all.

    ``tell`` hears of every file that was run, or has changed since. Raises AlfredError with the
    line that failed.
    """
    if scripts:
        asyncio.run(_run(database, scripts, tell))


async def _run(database: Target, scripts: Sequence[Script], tell: Callable[[str], object]) -> None:
    import asyncpg  # only where there is something to run

    try:
        known, password = await _prepare(database)
        for script in scripts:
            if script.path not in known:
                await _one(database, script, password)
                tell(f"ran {script.path} in the new database")
            elif known[script.path] != script.digest:
                tell(
                    f"warning: {script.path} has changed since it was run, and is not run again"
                    " (alfred-dev down --volumes begins with an empty database)"
                )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise AlfredError(
            "initial-sql-failed",
            "the initial SQL was not run",
            cause=f"Postgres at {database}: {error or type(error).__name__}",
            fix=["alfred-dev logs db-postgres", "alfred-dev up"],
        ) from error


async def _connect(database: Target, user: str, password: str) -> Any:
    import asyncpg

    return await asyncpg.connect(
        host=database.host,
        port=database.port,
        user=user,
        password=password,
        database=database.database,
        ssl=False,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
    )


async def _prepare(database: Target) -> tuple[dict[str, str], str]:
    """Make the role; return what was run already, and the role's password for this time."""
    password = secrets.token_hex(24)
    connection = await _connect(database, database.user, database.password)
    try:
        async with connection.transaction():
            await connection.execute(_PREPARE)
            await connection.execute(f"ALTER ROLE {ROLE} LOGIN PASSWORD '{password}'")
        rows = await connection.fetch(_KNOWN)
        return {row["path"]: row["digest"] for row in rows}, password
    finally:
        await connection.close()


async def _one(database: Target, script: Script, password: str) -> None:
    import asyncpg

    connection = await _connect(database, ROLE, password)
    try:
        async with connection.transaction():
            await connection.execute(script.text)
            await connection.execute(_NOTE, script.path, script.digest)
    except asyncpg.PostgresError as error:
        position = getattr(error, "position", None)
        line = script.text.count("\n", 0, int(position) - 1) + 1 if position else 1
        raise AlfredError(
            "initial-sql-failed",
            f"{script.path} was not run, and changed nothing",
            cause=f"{script.path}:{line}: {error}",
            fix=[f"mend {script.path}", "alfred-dev up"],
            where=f"{script.path}:{line}",
        ) from error
    finally:
        await connection.close()
