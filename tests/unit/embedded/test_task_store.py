from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import asyncpg
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.task_store import POOL_SIZE, TaskStore
from alfred_dev.probe.base import Target
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ODD, Running
from tests.unit.embedded.test_postgres import sql


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running.postgres(tmp_path_factory.mktemp("tasks") / "db") as server:
        yield server


def target(port: int, password: str = ODD) -> Target:
    return Target(
        kind=ProbeKind.POSTGRES, host="127.0.0.1", port=port, user="postgres", password=password,
        database="postgres",
    )  # fmt: skip


def test_a_task_is_kept_and_found(database: Running) -> None:
    async def main() -> None:
        store = TaskStore(target(database.port), "agent-core")
        task = await store.add("write a test é")
        assert (task.title, task.status, task.service) == ("write a test é", "queued", "agent-core")
        assert await store.get(task.id) == task
        assert await store.get(uuid.uuid4()) is None
        newest = await store.add("the newest")
        assert (await store.latest(1)) == [newest]
        store.close()

    asyncio.run(main())


def test_many_services_that_start_at_once_make_one_table(database: Running) -> None:
    sql(database, "DROP SCHEMA IF EXISTS alfred_dev CASCADE")

    async def main() -> None:
        stores = [TaskStore(target(database.port), f"service-{n}") for n in range(12)]
        tasks = await asyncio.gather(*(store.add("first") for store in stores))
        assert len({task.id for task in tasks}) == 12
        for store in stores:
            store.close()

    asyncio.run(main())
    assert sql(database, "SELECT count(*) FROM alfred_dev.tasks") == 12


def test_a_database_that_was_made_anew_gets_its_table_again(database: Running) -> None:
    async def main() -> None:
        store = TaskStore(target(database.port), "agent-core")
        await store.add("before")
        connection = await asyncpg.connect(
            host="127.0.0.1", port=database.port, user="postgres", password=ODD,
            database="postgres", ssl=False,
        )  # fmt: skip
        await connection.execute("DROP SCHEMA alfred_dev CASCADE")
        await connection.close()
        task = await store.add("after")
        assert await store.latest(10) == [task]
        store.close()

    asyncio.run(main())


def test_a_pool_survives_that_its_connections_are_cut(database: Running) -> None:
    async def main() -> None:
        store = TaskStore(target(database.port), "agent-cut")
        task = await store.add("before")
        await asyncio.gather(*(store.get(task.id) for _ in range(POOL_SIZE)))
        connection = await asyncpg.connect(
            host="127.0.0.1", port=database.port, user="postgres", password=ODD,
            database="postgres", ssl=False,
        )  # fmt: skip
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name"
        assert await connection.fetchval(f"{cut} = 'agent-cut'") == POOL_SIZE
        await connection.close()
        assert await store.get(task.id) == task
        store.close()

    asyncio.run(main())


@pytest.mark.parametrize("password", [ODD, "wrong"])
def test_no_database_is_said_without_a_secret(database: Running, password: str) -> None:
    port = free_port() if password == ODD else database.port

    async def main() -> RequestError:
        store = TaskStore(target(port, password), "agent-core")
        with pytest.raises(RequestError) as caught:
            await store.add("anything")
        store.close()
        return caught.value

    error = asyncio.run(main())
    assert (error.status, error.code) == (503, "database-unavailable")
    assert password not in error.message


def test_an_unknown_address_is_said() -> None:
    store = TaskStore("ALFRED_DATABASE_URL is not set", "agent-core")
    with pytest.raises(RequestError, match="ALFRED_DATABASE_URL is not set"):
        asyncio.run(store.latest(1))
    store.close()
