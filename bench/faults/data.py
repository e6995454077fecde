"""Faults of stores and their data."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg

from bench.faults.record import Fault, fault
from bench.faults.ways import (
    Inject,
    dotenv,
    valued,
)
from bench.faults.world import Undo, World


def offline_data(service: str, change: Callable[[Path], object]) -> Inject:
    """Stop a service, change its data folder, start it."""

    def inject(world: World) -> Undo:
        world.run("stop", service)
        folder = world.alfred / "data" / service
        copy = world.root.parent / f"copy-{service}"
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-a", folder, copy], check=True)
        change(folder)
        world.run("start", service, "--wait-timeout", "8")

        def undo() -> None:
            world.run("stop", service)
            for other in folder.parent.glob(f"{service}.*"):
                subprocess.run(["rm", "-rf", other], check=True)
            subprocess.run(["rm", "-rf", folder], check=True)
            copy.rename(folder)
            world.run("start", service)

        return undo

    return inject


def altered(world: World) -> Undo:
    old = world.secret("POSTGRES_PASSWORD")
    sql(world, "ALTER ROLE postgres PASSWORD 'another'", old)

    def undo() -> None:
        try:
            sql(world, f"ALTER ROLE postgres PASSWORD '{old}'", "another")
        except Exception:  # noqa: BLE001 - mended already
            return

    return undo


def sql(world: World, statement: str, password: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=5432, user="postgres", password=password, database="postgres"
        )
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def postgres_read_only(world: World) -> Undo:
    password = world.secret("POSTGRES_PASSWORD")
    sql(world, "ALTER SYSTEM SET default_transaction_read_only = on", password)
    sql(world, "SELECT pg_reload_conf()", password)

    def undo() -> None:
        world.run("stop", "db-postgres")
        (world.alfred / "data/db-postgres/postgresql.auto.conf").write_text("")
        world.run("start", "db-postgres")

    return undo


def redis(world: World, *commands: str) -> None:
    with socket.create_connection(("127.0.0.1", 6379), 3) as link:
        for command in (f"AUTH {world.secret('REDIS_PASSWORD')}", *commands):
            link.sendall(command.encode() + b"\r\n")
            link.recv(4096)


def redis_set(*commands: str) -> Inject:
    def inject(world: World) -> Undo:
        redis(world, *commands)
        return lambda: world.run("restart", "redis")

    return inject


def garbage(folder: Path) -> None:
    for path in (folder / "appendonlydir").iterdir():
        path.write_bytes(b"garbage\n")


FAULTS: tuple[Fault, ...] = (
    fault("V02", "password changed after the data was made", "password-mismatch", altered,
          touches="db-postgres .env", subjects="db-postgres"),
    fault("Q08", "password in .env edited while it runs", "password-mismatch",
          dotenv(valued("POSTGRES_PASSWORD", "edited-by-hand")), touches="db-postgres .env",
          subjects="db-postgres"),
    fault("V01", "data of another major version", "data-other-version",
          offline_data("db-postgres", lambda d: (d / "PG_VERSION").write_text("14\n")),
          touches="db-postgres", subjects="db-postgres"),
    fault("V05", "wrong mode on the data", "data-access",
          offline_data("db-postgres", lambda d: d.chmod(0o755)), touches="db-postgres",
          subjects="db-postgres"),
    fault("Q18", "the data folder holds something else", "data-damaged",
          offline_data("db-postgres", lambda d: (d / "PG_VERSION").unlink()), touches="db-postgres",
          subjects="db-postgres"),
    fault("Q19", "control file of Postgres is gone", "data-damaged",
          offline_data("db-postgres", lambda d: (d / "global/pg_control").unlink()),
          touches="db-postgres", subjects="db-postgres"),
    fault("Q20", "the append-only file of Redis is garbage", "data-damaged",
          offline_data("redis", garbage),
          touches="redis", subjects="redis"),
    fault("Q21", "Redis lets everybody in", "password-open", redis_set('CONFIG SET requirepass ""'),
          touches="redis", subjects="redis"),
    fault("Q22", "Redis got another password while it runs", "password-mismatch",
          redis_set("CONFIG SET requirepass another"), touches="redis", subjects="redis"),
    fault("V11", "Redis refuses writes", "redis-refuses-writes",
          redis_set("CONFIG SET min-replicas-to-write 1"), touches="redis", subjects="redis"),
    fault("Q23", "Redis is at its memory limit", "redis-refuses-writes",
          redis_set("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1000"),
          touches="redis", subjects="redis"),
    fault("Q24", "Postgres is read-only", "postgres-refuses-writes", postgres_read_only,
          touches="db-postgres", subjects="db-postgres"),
)  # fmt: skip
