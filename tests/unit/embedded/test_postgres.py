from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded import engines
from alfred_dev.embedded.postgres import command, remove_stale_pid_file
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ODD, Running


def sql(server: Running, query: str, *values: object, password: str = ODD) -> Any:
    """Log in, run ``query``, return the first value of its first row."""

    async def once() -> Any:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=server.port, user="postgres", password=password,
            database="postgres", ssl=False,
        )  # fmt: skip
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    return asyncio.run(once())


def spec_for(data: Path, port: int = 0) -> EmbeddedSpec:
    ports = [running.listener(port or free_port(), ProbeKind.POSTGRES)]
    return running.spec_of("db-postgres", ports, stands_in=False, data=data)


def start(data: Path, password: str = ODD) -> tuple[int, list[str]]:
    return running.run_to_end(spec_for(data), {"POSTGRES_PASSWORD": password})


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file under ``folder``, with its mode and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_first_day(tmp_path: Path) -> None:
    """Log-in, extensions, settings, secrecy, and what a restart and a crash keep."""
    data = tmp_path / "a folder with é and spaces" / ("long" * 30) / "db-postgres"
    with running.postgres(data) as server:
        assert sql(server, "SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            sql(server, "SELECT 1", password="wrong")
        assert sql(server, "SHOW wal_level") == "logical"
        assert sql(server, "SHOW fsync") == "on"
        assert sql(server, "SHOW data_checksums") == "on"
        assert sql(server, "SHOW unix_socket_directories") == ""
        assert sql(server, "SHOW server_encoding") == "UTF8"
        assert sql(server, "SELECT lower('ÉÄ')") == "éä"
        sql(server, "CREATE EXTENSION vector")
        assert sql(server, "SELECT '[1,2,3]'::vector <-> '[1,2,5]'::vector") == 2.0
        sql(server, "CREATE TABLE kept (value text)")
        sql(server, "INSERT INTO kept VALUES ('before the restart')")
        listeners = [
            connection.laddr.ip
            for connection in psutil.Process(server.process.pid).net_connections("all")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listeners == ["127.0.0.1"]
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        server.end(signal.SIGINT)
        assert server.process.returncode == 0
    with running.postgres(data) as server:
        assert sql(server, "SELECT value FROM kept") == "before the restart"
        sql(server, "INSERT INTO kept VALUES ('before the crash')")
        server.end(signal.SIGKILL)
    with running.postgres(data) as server:
        assert sql(server, "SELECT count(*) FROM kept") == 2
    assert {path.name for path in data.parent.iterdir()} == {".db-postgres.lock", "db-postgres"}


def test_no_password_is_seen_from_outside(tmp_path: Path) -> None:
    secret = "a-secret-that-must-not-show"
    seen: list[str] = []
    with running.started(
        spec_for(tmp_path / "db"), {"POSTGRES_PASSWORD": secret, "DB_JWT_SECRET": secret}
    ) as server:
        while running.POSTGRES_READY not in server.text and not server.ended:
            for process in psutil.process_iter():
                try:
                    seen += process.cmdline()
                except psutil.Error:
                    continue  # it has ended meanwhile
        server.wait_for(running.POSTGRES_READY)
        family = [psutil.Process(server.process.pid)]
        family += family[0].children(recursive=True)
        environments = [value for process in family for value in process.environ().values()]
    assert len(family) > 1 and "initdb" in " ".join(seen)
    assert not [text for text in (*seen, *environments, *server.log) if secret in text]
    assert not list(tmp_path.rglob("password"))


def test_a_kill_while_the_cluster_is_made_leaves_nothing_half_made(tmp_path: Path) -> None:
    data = tmp_path / "db"
    # With the parent alone killed, initdb goes on writing, and the next start must wait for it.
    for stage, whole_group in (("password", True), ("new/PG_VERSION", False), ("new/base/4", True)):
        with running.started(spec_for(data), {"POSTGRES_PASSWORD": ODD}) as server:
            while not list(tmp_path.glob(f".db.init-*/{stage}")):
                assert server.process.poll() is None and not data.exists(), f"missed {stage}"
                time.sleep(0.001)
            if whole_group:
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.kill()
        assert not data.exists()
    with running.postgres(data) as server:
        assert sql(server, "SELECT 1") == 1
    assert {path.name for path in tmp_path.iterdir()} == {".db.lock", "db"}


def test_data_of_another_major_version_is_refused_and_untouched(tmp_path: Path) -> None:
    data = tmp_path / "db"
    data.mkdir(mode=0o700)
    data.joinpath("PG_VERSION").write_text("16\n")
    data.joinpath("precious").write_text("rows")
    before = tree(data)
    code, lines = start(data)
    assert code == 78
    assert len(lines) == 1
    assert "written by PostgreSQL 16" in lines[0] and "this is PostgreSQL 18" in lines[0]
    assert f"mv '{data}' '{data}.16'" in lines[0]
    assert tree(data) == before


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    data = tmp_path / "db"
    data.mkdir()
    data.joinpath("letter.txt").write_text("dear diary")
    code, lines = start(data)
    assert code == 78
    assert len(lines) == 1 and "is not the data of a Postgres" in lines[0]
    assert data.joinpath("letter.txt").read_text() == "dear diary"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that nobody runs; tests may start it, one after the other."""
    data = tmp_path_factory.mktemp("cluster") / "db"
    with running.postgres(data) as server:
        server.end(signal.SIGINT)
    return data


def test_a_folder_that_others_may_enter_is_refused(cluster: Path) -> None:
    cluster.chmod(0o755)
    try:
        code, lines = start(cluster)
    finally:
        cluster.chmod(0o700)
    assert code == 78
    assert len(lines) == 1 and "(mode 0755)" in lines[0] and f"chmod 700 '{cluster}'" in lines[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused(cluster: Path) -> None:
    os.chown(cluster, 12345, 12345)
    try:
        code, lines = start(cluster)
    finally:
        os.chown(cluster, 0, 0)
    assert code == 78
    assert len(lines) == 1 and "belongs to user 12345" in lines[0] and "chown -R" in lines[0]


def test_a_pid_file_whose_number_somebody_else_has_now_is_no_obstacle(cluster: Path) -> None:
    # What a reboot leaves: the number belongs to another process of this user.
    text = f"{os.getpid()}\n{cluster}\n1700000000\n5432\n\n127.0.0.1\n 1 2\nready\n"
    cluster.joinpath("postmaster.pid").write_text(text)
    with running.postgres(cluster) as server:
        assert sql(server, "SELECT 1") == 1


def test_a_pid_file_of_a_process_that_nobody_collects_is_no_obstacle(cluster: Path) -> None:
    # Process 1 of a container is often no init: what was killed stays there as a zombie.
    ended = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
    try:
        cluster.joinpath("postmaster.pid").write_text(f"{ended}\n{cluster}\n")
        remove_stale_pid_file(cluster)
        assert not cluster.joinpath("postmaster.pid").exists()
    finally:
        os.waitpid(ended, 0)


def test_a_second_one_on_the_same_data_waits_for_the_first(cluster: Path) -> None:
    password = {"POSTGRES_PASSWORD": ODD}
    with (
        running.postgres(cluster) as first,
        running.started(spec_for(cluster), password) as second,
    ):
        second.wait_for(f"waiting for another process to leave {cluster}")
        # The first might be about to end, and does: then the second starts, but not before
        # the last child of the first has let go.
        first.end(signal.SIGKILL)
        second.wait_for(running.POSTGRES_READY)
        assert sql(second, "SELECT 1") == 1
    assert "lock file" not in second.text


def test_a_second_one_on_the_same_port_says_so_in_one_line(cluster: Path, tmp_path: Path) -> None:
    with running.postgres(cluster) as first:
        code, lines = running.run_to_end(
            spec_for(tmp_path / "other", first.port), {"POSTGRES_PASSWORD": ODD}
        )
    assert code == 1
    assert len(lines) == 1
    assert f"cannot listen on 127.0.0.1:{first.port}: Address already in use" in lines[0]
    assert not tmp_path.joinpath("other").exists()


@pytest.mark.parametrize("password", ["", "two\nlines"])
def test_no_start_without_a_password(tmp_path: Path, password: str) -> None:
    code, lines = start(tmp_path / "db", password)
    assert code == 2
    assert len(lines) == 1 and "POSTGRES_PASSWORD" in lines[0]
    assert not list(tmp_path.iterdir())


def test_initdb_that_fails_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    spec = spec_for(tmp_path / "db")
    limit = ["sh", "-c", 'ulimit -f 100 && exec "$@"', "sh"]  # the nearest thing to a full disk
    with running.started(spec, {"POSTGRES_PASSWORD": ODD}, prefix=limit) as server:
        code = server.process.wait(running.TIMEOUT_S)
    assert code == 1
    assert "the database could not be made" in server.text and "df -h" in server.text
    assert [path.name for path in tmp_path.iterdir()] == [".db.lock"]


def test_psql_of_the_wheel_logs_in(cluster: Path) -> None:
    folder = engines.client_bin("db-postgres")
    assert folder is not None
    with running.postgres(cluster) as server:
        address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
        done = subprocess.run(
            [folder / "psql", *address, "-tAc", "SELECT 6 * 7"],
            env={**os.environ, "PGPASSWORD": ODD}, capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert done.stdout == "42\n"


def test_the_command_line_holds_no_more_than_it_must() -> None:
    arguments = command(Path("/data é"), "127.0.0.1", 15432)
    assert arguments[:2] == ["-D", "/data é"]
    assert "listen_addresses=127.0.0.1" in arguments and "port=15432" in arguments
