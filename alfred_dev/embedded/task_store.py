"""Tasks in Postgres, and every hop that one takes.

Imported with the first task: asyncpg costs 20 ms and 4 MB, and most stand-ins never get one.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.peers import Calls
from alfred_dev.embedded.tasks import Hop, Story, Task
from alfred_dev.probe.base import Target
from alfred_dev.probe.run import probe

POOL_SIZE = 5
COMMAND_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0
QUEUED, DONE, FAILED = "queued", "done", "failed"

# What asyncpg raises when its connection is broken; the second when it has not noticed yet.
_CLIENT_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
# What it raises for a table that another version of this code, or nobody, has made.
_OTHER_TABLES = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
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
ALTER TABLE alfred_dev.tasks ADD COLUMN IF NOT EXISTS fail text NOT NULL DEFAULT '';
ALTER TABLE alfred_dev.tasks ADD COLUMN IF NOT EXISTS error text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS tasks_created_at ON alfred_dev.tasks (created_at DESC, id);
CREATE TABLE IF NOT EXISTS alfred_dev.hops (
    task_id uuid NOT NULL REFERENCES alfred_dev.tasks ON DELETE CASCADE,
    hop text NOT NULL,
    service text NOT NULL,
    peer text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ms double precision NOT NULL,
    PRIMARY KEY (task_id, hop)
);
CREATE TABLE IF NOT EXISTS alfred_dev.results (
    task_id uuid NOT NULL REFERENCES alfred_dev.tasks ON DELETE CASCADE,
    service text NOT NULL,
    result jsonb NOT NULL,
    PRIMARY KEY (task_id, service)
);
"""
_COLUMNS = "id, title, status, service, created_at, fail, error"
# Done again after a lost connection, INSERT finds its own row.
_INSERT = f"""
INSERT INTO alfred_dev.tasks (id, title, status, service, fail) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET id = excluded.id
RETURNING {_COLUMNS}
"""  # noqa: S608 - names of columns, nothing from outside
_SELECT = f"SELECT {_COLUMNS} FROM alfred_dev.tasks WHERE id = $1"  # noqa: S608 - the same
_LATEST = f"""
SELECT {_COLUMNS} FROM alfred_dev.tasks ORDER BY created_at DESC, id LIMIT $1
"""  # noqa: S608 - the same
# What nobody has worked on; what is older than an hour is nobody's business any more.
_WAITING = f"""
SELECT {_COLUMNS} FROM alfred_dev.tasks
WHERE service = $1 AND status = $2 AND created_at > now() - interval '1 hour'
ORDER BY created_at DESC LIMIT $3
"""  # noqa: S608 - the same
_HOPS = """
SELECT hop, service, peer, at, ms FROM alfred_dev.hops WHERE task_id = $1 ORDER BY at, hop
"""
_RESULTS = (
    "SELECT service, result::text FROM alfred_dev.results WHERE task_id = $1 ORDER BY service"
)
# A hop that is taken again, after a crash, keeps its first time. A task that is gone has none.
_HOP = """
INSERT INTO alfred_dev.hops (task_id, hop, service, peer, ms)
SELECT id, hop, $4, peer, ms FROM alfred_dev.tasks,
    unnest($2::text[], $3::text[], $5::float8[]) AS hops (hop, peer, ms)
WHERE id = $1
ON CONFLICT DO NOTHING
"""
_BLAME = "UPDATE alfred_dev.tasks SET error = $2 WHERE id = $1"
# One statement sees one moment: the row's lock lets the last service see all others.
_LOCK = "SELECT id FROM alfred_dev.tasks WHERE id = $1 FOR UPDATE"
_RESULT = """
INSERT INTO alfred_dev.results (task_id, service, result)
SELECT id, $2, $3::jsonb FROM alfred_dev.tasks WHERE id = $1
ON CONFLICT DO NOTHING
"""
_COUNT = "SELECT count(*) FROM alfred_dev.results WHERE task_id = $1 AND service = ANY($2::text[])"
_END = "UPDATE alfred_dev.tasks SET status = $2 WHERE id = $1 AND status <> $2 RETURNING id"


class TaskStore:
    """Tasks in a database; connects on first use. A ``str`` says why there is none.

    ``peer``: the database's name in measurements. Every method raises RequestError (503) while
    the database cannot be used.
    """

    def __init__(
        self,
        database: Target | str,
        service: str,
        peer: str = "db-postgres",
        calls: Calls | None = None,
    ) -> None:
        self._database, self._service, self._peer = database, service, peer
        self._calls = calls or Calls()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._has_table = False
        self._opening = asyncio.Lock()

    async def add(self, title: str, fail: str = "") -> Task:
        """Store a new task and return it."""
        began = time.perf_counter()
        with self._calls.timed(self._peer, "add task"):
            values = (uuid.uuid4(), title, QUEUED, self._service, fail)
            task = _task((await self._rows(_INSERT, *values))[0])
        await self.hop(task.id, "stored", self._peer, (time.perf_counter() - began) * 1e3)
        return task

    async def get(self, task_id: uuid.UUID) -> Task | None:
        """Return the task, or None."""
        rows = await self._rows(_SELECT, task_id)
        return _task(rows[0]) if rows else None

    async def story(self, task_id: uuid.UUID) -> Story | None:
        """Return the task with all that happened to it, or None."""
        with self._calls.timed(self._peer, "get task"):
            task = await self.get(task_id)
            if task is None:
                return None
            hops = await self._rows(_HOPS, task_id)
            results = await self._rows(_RESULTS, task_id)
        return Story(
            task=task,
            hops=tuple(Hop(**dict(row)) for row in hops),
            results={row["service"]: json.loads(row["result"]) for row in results},
        )

    async def latest(self, limit: int) -> list[Task]:
        """Return the newest ``limit`` tasks, the newest first."""
        with self._calls.timed(self._peer, "list tasks"):
            return [_task(row) for row in await self._rows(_LATEST, limit)]

    async def waiting(self, limit: int) -> list[Task]:
        """Return up to ``limit`` tasks of this service of the last hour that are not done."""
        return [_task(row) for row in await self._rows(_WAITING, self._service, QUEUED, limit)]

    async def hop(self, task_id: uuid.UUID, hop: str, peer: str, ms: float) -> None:
        """Note a hop of this service, just done."""
        await self.hops(task_id, [(hop, peer, ms)])

    async def hops(self, task_id: uuid.UUID, hops: Sequence[tuple[str, str, float]]) -> None:
        """Note several hops: name, peer, milliseconds."""
        names, peers, times = (list(column) for column in zip(*hops, strict=True))
        await self._rows(_HOP, task_id, names, peers, self._service, times)

    async def blame(self, task_id: uuid.UUID, error: str) -> None:
        """Note why the task did not go on here, the latest reason alone."""
        await self._rows(_BLAME, task_id, f"{self._service}: {error}")

    async def finish(self, task_id: uuid.UUID, result: Any, expected: Sequence[str]) -> bool:
        """Store this service's result; tell whether all ``expected`` services have theirs now."""
        began = time.perf_counter()
        with self._calls.timed(self._peer, "write result"):
            text = json.dumps(result)
            rows = await self._safely(self._finish, task_id, text, list(expected))
        took = (time.perf_counter() - began) * 1e3
        await self.hop(task_id, f"{self._service} wrote its result", self._peer, took)
        return bool(rows)

    async def _finish(
        self, connection: Any, task_id: uuid.UUID, text: str, expected: list[str]
    ) -> bool:
        async with connection.transaction():
            await connection.execute(_LOCK, task_id)
            await connection.execute(_RESULT, task_id, self._service, text)
            return int(await connection.fetchval(_COUNT, task_id, expected)) == len(expected)

    async def end(self, task_id: uuid.UUID, status: str) -> bool:
        """Give the task its last status; tell whether it did not have it yet."""
        return bool(await self._rows(_END, task_id, status))

    def close(self) -> None:
        """Drop all connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def _rows(self, query: str, *values: object) -> Sequence[Any]:
        """Return the rows of ``query``, which must be safe to do twice."""

        async def fetch(connection: Any) -> Sequence[Any]:
            rows: Sequence[Any] = await connection.fetch(query, *values)
            return rows

        found: Sequence[Any] = await self._safely(fetch)
        return found

    async def _safely(self, work: Any, *values: object) -> Any:
        """Return what ``work`` returns of a connection; it must be safe to do twice."""
        try:
            try:
                return await self._attempt(work, values)
            except (ConnectionError, asyncpg.PostgresConnectionError, *_CLIENT_ERRORS):
                # A connection died with a database that may long be back, and so did the others.
                if self._pool is not None:
                    await self._pool.expire_connections()
            except _OTHER_TABLES:
                self._has_table = False  # the database was made anew
            return await self._attempt(work, values)
        except (OSError, asyncpg.PostgresError, *_CLIENT_ERRORS) as error:
            raise _unavailable(str(error) or type(error).__name__) from error

    async def _attempt(self, work: Any, values: Sequence[object]) -> Any:
        pool = await self._open()
        async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
            return await work(connection, *values)

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
