"""`doctor`, `doctor trace` and `scan` as they are typed, on a part of the stack that runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import Checkout

STARTED = ("redis", "db-postgres", "model-registry")


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory, own_ports: None) -> Iterator[Checkout]:
    """A checkout with three services up. Tests that break it mend it."""
    root = tmp_path_factory.mktemp("doctor") / "project"
    made = Checkout.make(root, ALFRED_RUNTIME="process")
    made.ok("up", *STARTED)
    yield made
    made.ok("down")
    assert made.pids() == []


def doctor(checkout: Checkout, *arguments: str, exit_code: int = 0, **more: str) -> dict[str, Any]:
    found = checkout.json("doctor", *arguments, exit_code=exit_code, variables=more)
    assert found["schema"] == "alfred-dev/doctor/v1"
    assert found["ok"] is (exit_code == 0)
    assert found["summary"]["crashed"] == 0, [c for c in found["checks"] if "detail" in c]
    return dict(found)


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    """What it says, without what depends on the machine that runs the tests."""
    quiet = ("setup-not-done", "cpu-busy", "memory-low", "disk-full")
    rows = [f for f in document["findings"] if f["code"] not in quiet or f["severity"] == "error"]
    return [(f["code"], f["subject"]) for f in rows]


def test_a_healthy_stack_has_nothing_to_find(part: Checkout) -> None:
    found = doctor(part)
    assert told(found) == []
    assert {c["outcome"] for c in found["checks"]} <= {"ok", "found"}
    assert set(found["summary"]) == {"ok", "found", "masked", "skipped", "crashed"}


def test_a_stopped_database_is_the_one_cause_and_the_fix_mends_it(part: Checkout) -> None:
    part.ok("stop", "db-postgres")
    found = doctor(part, exit_code=1)
    assert told(found) == [("service-stopped", "db-postgres")]
    finding = found["findings"][0]
    assert finding["fix"]["commands"] == ["alfred-dev start db-postgres"]
    assert finding["fix"]["automatic"] is True
    done = part.run("doctor", "--fix")
    assert "mended: service-stopped" in done.stderr
    part.ok("wait", "model-registry", "--timeout", "20")
    assert told(doctor(part)) == []
    assert "service-stopped" in (part.root / ".alfred/doctor.log").read_text()


def test_a_password_that_the_data_does_not_have_is_set_without_losing_a_row(part: Checkout) -> None:
    env = part.root / ".env"
    old = env.read_text()
    env.write_text(old.replace(part.secrets["POSTGRES_PASSWORD"], "it's ano\\ther"))
    found = doctor(part, exit_code=1)
    assert told(found)[0] == ("password-mismatch", "db-postgres")
    assert "it's ano" not in str(found)
    part.run("doctor", "password-mismatch", "--fix", "--yes")
    assert told(doctor(part)) == []


def test_a_lost_password_comes_back_from_what_runs(part: Checkout) -> None:
    before = part.secrets
    (part.root / ".env").unlink()
    found = doctor(part, exit_code=1)
    assert told(found)[0] == ("setting-missing", ".env")
    part.run("doctor", "setting-missing", "--fix", "--yes")
    assert part.secrets["REDIS_PASSWORD"] == before["REDIS_PASSWORD"]
    assert told(doctor(part)) == []


def test_a_mistake_in_a_file_is_named_by_line_and_no_traceback(part: Checkout) -> None:
    project = part.root / "alfred.yaml"
    project.write_text("services:\n  redis:\n    prots: []\n")
    try:
        found = doctor(part, exit_code=1)
        assert found["findings"][0]["code"] == "config-invalid"
        assert found["findings"][0]["subject"].startswith("alfred.yaml:3")
        done = part.run("doctor")
        assert "alfred.yaml:3" in done.stdout
        assert "Traceback" not in done.stderr
    finally:
        project.write_text("")


def test_a_value_that_alfred_yaml_sets_wrong_is_named_and_unset(part: Checkout) -> None:
    project = part.root / "alfred.yaml"
    url = "postgresql://postgres:postgres@127.0.0.1:5432/postgres"
    text = f"services:\n  model-registry:\n    env:\n      ALFRED_DATABASE_URL: {url}\n"
    project.write_text(text)
    try:
        part.run("up", "model-registry", "--wait-timeout", "3")
        found = doctor(part, exit_code=1)
        assert told(found)[0] == ("endpoint-wrong", "model-registry")
        assert "alfred.yaml:4" in found["findings"][0]["cause"]
        part.ok("config", "unset", "services.model-registry.env.ALFRED_DATABASE_URL")
        assert project.read_text() == ""
    finally:
        project.write_text("")
        part.ok("up", *STARTED)


def test_trace_ends_at_the_broken_hop(part: Checkout) -> None:
    good = part.json("doctor", "trace", "model-registry")
    assert good["ok"] is True
    assert [hop["hop"] for hop in good["hops"]][-1] == "needs db-postgres"
    part.ok("stop", "redis")
    try:
        bad = part.json("doctor", "trace", "redis", exit_code=1)
        assert (bad["broken"], len(bad["hops"])) == ("process", 1)
    finally:
        part.ok("start", "redis")


def test_scan_finds_nothing_open(part: Checkout) -> None:
    found = part.json("scan")
    assert found["schema"] == "alfred-dev/scan/v1"
    assert found["ok"] is True


def test_one_check_one_group_and_the_list(part: Checkout) -> None:
    assert [c["code"] for c in doctor(part, "disk-full")["checks"]] == ["disk-full"]
    listed = part.json("doctor", "--list", "--only", "names")["checks"]
    assert {c["category"] for c in listed} == {"names"}
    done = part.run("doctor", "disk-ful")
    assert done.returncode == 2
    assert "did you mean disk-full?" in done.stderr


def test_with_nothing_started_it_says_what_to_type(tmp_path: Path, own_ports: None) -> None:
    made = Checkout.make(tmp_path / "project", ALFRED_RUNTIME="process")
    (down,) = doctor(made, "stack-down", "setting-missing", "supervisor-lost")["findings"]
    assert down["severity"] == "info"
    assert down["fix"]["commands"] == ["alfred-dev up"]
    assert not (made.root / ".env").exists()


def test_outside_of_a_project_the_machine_is_looked_at(tmp_path: Path, own_ports: None) -> None:
    made = Checkout(tmp_path, {"ALFRED_RUNTIME": "process"})
    code = (
        "import pathlib, sys\n"
        "import alfred_dev.cli.place as place\n"
        "from alfred_dev.cli.main import main\n"
        "place.CLONE = pathlib.Path('/nowhere')\n"
        "sys.argv = ['alfred-dev', 'doctor']\n"
        "main()"
    )
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=made.variables(), capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert "belongs to no project" in done.stdout
    assert "[no-project]" in done.stdout
