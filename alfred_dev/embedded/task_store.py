"""Tasks in Postgres.

Imported with the first task: asyncpg costs 20 ms and 4 MB, and most stand-ins never get one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.tasks import Task
from alfred_dev.probe.base import Target
from alfred_dev.probe.run import probe

POOL_SIZE = 5
COMMAND_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0

# What asyncpg raises when its connection is broken; the second when it has not noticed yet.
_CLIENT_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
# Any number will do, as long as all stand-ins use the same one.
_SCHEMA_LOCK = 0x616C66726564
_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS alfred_dev;
CREATE TABLE IF NOT EXISTS alfred_dev.tasks (
    id uuid PRIMARY KEY,
    title text NOT NULL,
    status text NOT NULL,
    service text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS tasks_created_at ON alfred_dev.tasks (created_at DESC, id);
"""
# Done again after a lost connection, INSERT finds its own row.
_INSERT = """
INSERT INTO alfred_dev.tasks (id, title, status, service) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET id = excluded.id
RETURNING id, title, status, service, created_at
"""
_SELECT = "SELECT id, title, status, service, created_at FROM alfred_dev.tasks WHERE id = $1"
_LATEST = """
SELECT id, title, status, service, created_at FROM alfred_dev.tasks
ORDER BY created_at DESC, id LIMIT $1
"""


class TaskStore:
    """Tasks in a database; connects on first use. A ``str`` says why there is none.

    Every method raises RequestError (503) while the database cannot be used.
    """

    def __init__(self, database: Target | str, service: str) -> None:
        self._database, self._service = database, service
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._has_table = False
        self._opening = asyncio.Lock()

    async def add(self, title: str) -> Task:
        """Store a new task and return it."""
        rows = await self._rows(_INSERT, uuid.uuid4(), title, "queued", self._service)
        return _task(rows[0])

    async def get(self, task_id: uuid.UUID) -> Task | None:
        """Return the task, or None."""
        rows = await self._rows(_SELECT, task_id)
        return _task(rows[0]) if rows else None

    async def latest(self, limit: int) -> list[Task]:
        """Return the newest ``limit`` tasks, the newest first."""
        return [_task(row) for row in await self._rows(_LATEST, limit)]

    def close(self) -> None:
        """Drop all connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def _rows(self, query: str, *values: object) -> Sequence[Any]:
        """Return the rows of ``query``, which must be safe to do twice."""
        try:
            try:
                return await self._attempt(query, values)
            except (ConnectionError, asyncpg.PostgresConnectionError, *_CLIENT_ERRORS):
                # A connection died with a database that may long be back, and so did the others.
                if self._pool is not None:
                    await self._pool.expire_connections()
            except asyncpg.UndefinedTableError:
                self._has_table = False  # the database was made anew
            return await self._attempt(query, values)
        except (OSError, asyncpg.PostgresError, *_CLIENT_ERRORS) as error:
            raise _unavailable(str(error) or type(error).__name__) from error

    async def _attempt(self, query: str, values: Sequence[object]) -> Sequence[Any]:
        pool = await self._open()
        async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
            rows: Sequence[Any] = await connection.fetch(query, *values)
            return rows

    async def _open(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._pool is None:
                self._pool = await _pool(self._database, self._service)
            if not self._has_table:
                async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                    await _make_table(connection)
                self._has_table = True
            return self._pool


def _unavailable(reason: str) -> RequestError:
    return RequestError(503, "database-unavailable", f"no database: {reason}")


async def _pool(database: Target | str, service: str) -> asyncpg.Pool[asyncpg.Record]:
    if isinstance(database, str):
        raise _unavailable(database)
    # The bytes of a stranger on that port can keep asyncpg busy for ever: our probe looks first.
    seen = await probe(database, timeout_s=CONNECT_TIMEOUT_S)
    if not seen.ok:
        raise _unavailable(seen.detail)
    # Every argument that asyncpg would else take from a PG* variable is given.
    return await asyncpg.create_pool(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.database,
        ssl=False,
        direct_tls=False,
        target_session_attrs="any",
        server_settings={"application_name": service},
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        min_size=0,
        max_size=POOL_SIZE,
    )


async def _make_table(connection: Any) -> None:
    async with connection.transaction():
        # IF NOT EXISTS alone fails when two services come at the same moment.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)
        await connection.execute(_SCHEMA)


def _task(row: Any) -> Task:
    return Task(**dict(row))
