"""The SQL that alfred.yaml names, in a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alfred_dev import initial_sql
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.errors import AlfredError, ConfigError, Where
from alfred_dev.initial_sql import Script
from alfred_dev.probe.base import Target
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ODD, Running
from tests.unit.embedded.test_postgres import sql

AT = Where("alfred.yaml", 2, 17)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running.postgres(tmp_path_factory.mktemp("initial") / "db") as server:
        yield server


def run(database: Running, *scripts: Script) -> list[str]:
    said: list[str] = []
    target = Target(
        kind=ProbeKind.POSTGRES, host="127.0.0.1", port=database.port, user="postgres",
        password=ODD, database="postgres",
    )  # fmt: skip
    initial_sql.run(target, scripts, said.append)
    return said


def test_a_file_is_run_once_and_a_change_is_said(database: Running) -> None:
    text = "CREATE EXTENSION IF NOT EXISTS vector; CREATE TABLE once (v vector(2));"
    script = Script(path="db/once.sql", text=text)
    assert run(database, script) == ["ran db/once.sql in the new database"]
    assert run(database, script) == []
    (said,) = run(database, Script(path="db/once.sql", text=f"{text} -- and more"))
    assert "has changed since it was run" in said
    assert sql(database, "SELECT count(*) FROM once") == 0  # everybody's, not the role's alone


def test_a_mistake_is_named_with_its_line_and_leaves_nothing(database: Running) -> None:
    script = Script(path="bad.sql", text="CREATE TABLE half (a int);\n\nCREATE TABL b;\n")
    with pytest.raises(AlfredError) as caught:
        run(database, script)
    assert (caught.value.code, caught.value.where) == ("initial-sql-failed", "bad.sql:3")
    assert 'syntax error at or near "TABL"' in caught.value.cause
    assert sql(database, "SELECT to_regclass('half') IS NULL") is True


@pytest.mark.parametrize(
    "evil",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "RESET SESSION AUTHORIZATION; COPY (SELECT 1) TO PROGRAM 'true'",
        "SET ROLE postgres",
        "ALTER ROLE alfred_initial SUPERUSER",
        "CREATE ROLE more SUPERUSER",
        "GRANT pg_execute_server_program TO alfred_initial",
        "SELECT pg_read_file('/etc/passwd')",
        "DELETE FROM alfred_dev.initial_sql",
    ],
)
def test_it_cannot_leave_the_database(database: Running, evil: str) -> None:
    with pytest.raises(AlfredError, match="permission denied|must|Only|may"):
        run(database, Script(path="evil.sql", text=evil))


def test_a_database_that_is_away_is_said() -> None:
    target = Target(kind=ProbeKind.POSTGRES, host="127.0.0.1", port=free_port())
    with pytest.raises(AlfredError, match="the initial SQL was not run"):
        initial_sql.run(target, [Script(path="a.sql", text="SELECT 1")], lambda said: None)
    initial_sql.run(target, [], lambda said: None)


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.sql").write_text("SELECT 1")
    (tmp_path / "binary.sql").write_bytes(b"\xff\xfe\x00")
    (script,) = initial_sql.read(tmp_path, [("good.sql", AT)])
    assert script == Script(path="good.sql", text="SELECT 1")
    with pytest.raises(ConfigError) as caught:
        initial_sql.read(
            tmp_path, [("none.sql", AT), ("../outside.sql", AT), ("binary.sql", AT), (".", AT)]
        )
    assert len(caught.value.problems) == 4
    assert "alfred.yaml:2:17: initial SQL none.sql cannot be read" in caught.value.cause
    assert "outside of the project" in caught.value.cause
