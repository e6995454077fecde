"""Start, stop, data, locks, kills: small selections, real processes."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from alfred_dev.runtime import memory
from alfred_dev.workspace import Workspace
from tests.e2e.checkout import Checkout, listening


def query(checkout: Checkout, sql: str) -> str:
    return checkout.ok("exec", "db-postgres", "psql", "-Atqc", sql).strip()


def supervisor(checkout: Checkout) -> int:
    return int((checkout.root / ".alfred/run/supervisord.pid").read_text())


def test_down_keeps_data_and_leaves_nothing_running(checkout: Checkout) -> None:
    checkout.ok("up", "db-postgres")
    query(checkout, "create table kept(v int); insert into kept values (7)")
    checkout.ok("down")
    assert checkout.pids() == []
    assert listening() == {}
    checkout.ok("up", "postgres")
    assert query(checkout, "select v from kept") == "7"


def test_down_volumes_asks_and_deletes(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    refused = checkout.run("down", "--volumes")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert checkout.status("redis")["health"] == "healthy"
    checkout.ok("down", "--volumes", "--yes")
    assert not (checkout.root / ".alfred/data").exists()


def test_a_name_starts_what_it_needs_and_the_rest_is_named(checkout: Checkout) -> None:
    document = checkout.json("up", "model-registry")
    healthy = {s["id"] for s in document["services"] if s["health"] == "healthy"}
    assert healthy == {"db-postgres", "model-registry"}
    assert document["ok"] is True
    assert "not selected, not running: redis" in checkout.ok("up", "model-registry")


def test_stop_start_and_restart_touch_only_what_is_named(checkout: Checkout) -> None:
    checkout.ok("up", "redis", "auth-ui")
    pid = checkout.status("auth-ui")["pid"]
    checkout.ok("stop", "redis")
    assert checkout.status("redis")["state"] == "stopped"
    assert checkout.run("status", "--exit-code").returncode == 1
    checkout.ok("wait", "redis", "--for", "down")
    checkout.ok("start", "redis")
    first = checkout.status("redis")
    checkout.ok("restart", "redis")
    second = checkout.status("redis")
    assert (first["health"], second["health"]) == ("healthy", "healthy")
    assert first["pid"] != second["pid"]
    assert second["restarts"] == 0
    assert checkout.status("auth-ui")["pid"] == pid


def test_a_killed_service_comes_back_and_is_counted(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    os.kill(checkout.status("redis")["pid"], signal.SIGKILL)
    checkout.ok("wait", "redis", "--for", "healthy", "--timeout", "20")
    deadline = time.monotonic() + 20
    while checkout.status("redis")["restarts"] != 1:
        assert time.monotonic() < deadline
    assert checkout.status("redis")["health"] == "healthy"


def test_a_changed_setting_restarts_exactly_what_reads_it(checkout: Checkout) -> None:
    checkout.ok("up", "redis", "auth-ui")
    pids = {name: checkout.status(name)["pid"] for name in ("redis", "auth-ui")}
    with (checkout.root / ".env").open("a") as file:
        file.write("ALFRED_LOG_LEVEL=DEBUG\n")
    assert "ALFRED_LOG_LEVEL changed since auth-ui started" in checkout.run("status").stderr
    done = checkout.run("up", "redis", "auth-ui")
    assert "restart auth-ui: ALFRED_LOG_LEVEL changed" in done.stderr
    assert checkout.status("redis")["pid"] == pids["redis"]
    assert checkout.status("auth-ui")["pid"] != pids["auth-ui"]


def test_a_killed_supervisor_leaves_no_orphans_for_up_or_down(checkout: Checkout) -> None:
    checkout.ok("up", "redis", "auth-ui")
    old = {checkout.status(name)["pid"] for name in ("redis", "auth-ui")}
    os.kill(supervisor(checkout), signal.SIGKILL)
    checkout.ok("up", "redis", "auth-ui")
    assert old.isdisjoint(checkout.pids())
    os.kill(supervisor(checkout), signal.SIGKILL)
    done = checkout.run("down")
    assert done.returncode == 0
    assert "ended what a killed supervisor had left behind: auth-ui, redis" in done.stderr
    assert checkout.pids() == []


def test_two_at_once_take_turns_and_say_so(checkout: Checkout) -> None:
    first = checkout.popen("up", "db-postgres", "model-registry")
    lock = checkout.root / ".alfred/lock"
    deadline = time.monotonic() + 20
    while not (lock.exists() and lock.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    second = checkout.run("up", "db-postgres", "model-registry")
    _, said = first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0), said
    assert f"waiting for `alfred-dev up` (pid {first.pid})" in second.stderr


def test_ctrl_c_says_what_goes_on(checkout: Checkout) -> None:
    process = checkout.popen("up", "db-postgres", "model-registry", "auth-ui")
    assert process.stderr
    deadline = time.monotonic() + 30
    while not any((checkout.root / ".alfred/run/started").glob("*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "what was started goes on running" in said
    assert "Traceback" not in said
    checkout.ok("up", "model-registry")


@pytest.mark.parametrize("delay_s", [0.4, 1.0])
def test_up_killed_half_way_is_mended_by_the_next(checkout: Checkout, delay_s: float) -> None:
    kill_and_mend(checkout, delay_s)


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2, 1.5])
def test_up_killed_at_any_time_is_mended_by_the_next(checkout: Checkout, delay_s: float) -> None:
    kill_and_mend(checkout, delay_s)


def kill_and_mend(checkout: Checkout, delay_s: float) -> None:
    process = checkout.popen("up", "model-registry", "redis")
    time.sleep(delay_s)  # the point at which it is killed is what is tried here
    process.kill()
    process.communicate()
    assert checkout.json("up", "model-registry", "redis")["ok"] is True
    assert query(checkout, "select 1") == "1"


def test_no_wait_returns_before_health(checkout: Checkout) -> None:
    printed = checkout.ok("up", "redis", "--no-wait")
    assert "health not awaited" in printed
    checkout.ok("wait", "redis")


def test_down_works_when_the_settings_are_broken(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    (checkout.root / ".env").write_bytes(b"\xff\xfe broken")
    assert checkout.run("status").returncode == 2
    checkout.ok("down")
    assert checkout.pids() == []


def test_the_database_going_away_makes_what_needs_it_ill_and_is_named(checkout: Checkout) -> None:
    checkout.ok("up", "model-router")
    checkout.ok("stop", "db-postgres")
    deadline = time.monotonic() + 20
    while checkout.status("model-registry")["health"] == "healthy":
        assert time.monotonic() < deadline
    found = checkout.json("status")["services"]
    blocked = {s["id"]: s["blocked_by"] for s in found if s["selected"]}
    assert blocked["model-registry"] == ["db-postgres"]
    answer = httpx.get("http://127.0.0.1:8079/health")
    assert answer.status_code == 503
    assert answer.json()["waiting_for"] == ["db-postgres"]
    checkout.ok("start", "db-postgres")
    checkout.ok("wait", "model-router", "--timeout", "20")


@pytest.mark.parametrize("name", ["with spaces and ünïcödé", "x" * 120, "per%cent ;semi #hash"])
def test_the_folder_may_have_any_name(tmp_path: Path, own_ports: None, name: str) -> None:
    made = Checkout.make(tmp_path / name)
    try:
        assert made.json("up", "model-registry", "redis")["ok"] is True
        assert query(made, "select 1") == "1"
    finally:
        made.ok("down")
    assert made.pids() == []


def test_an_engine_that_is_gone_holds_up_no_end_of_processes(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "project")
    place = Workspace(checkout.root)
    place.prepare()
    gone = memory.Memory(runtime="process", url=f"unix://{tmp_path}/none.sock")
    memory.save(place, gone)
    done = checkout.run("down")
    assert (done.returncode, "the Docker engine does not answer" in done.stderr) == (0, True)
    memory.save(place, replace(gone, runtime="docker"))
    assert checkout.run("down").returncode == 3
