"""The Docker runtime: one service in a container, through every command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.compose_cli import outside
from tests.e2e.engine import Contained, Engine

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


def test_a_service_runs_in_a_container_and_leaves_nothing(contained: Contained) -> None:
    first = contained.json("up", "redis")
    assert (first["ok"], first["runtime"]) == (True, "docker")
    redis = contained.inspect("redis")
    host = redis["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    assert redis["Config"]["User"] == "65532:65532"
    bindings = [b for found in host["PortBindings"].values() for b in found]
    assert {b["HostIp"] for b in bindings} == {"127.0.0.1"}

    contained.ok("exec", "redis", "sh", "-c", "echo $REDIS_PASSWORD > /tmp/seen")
    assert contained.run("exec", "redis", "sh", "-c", "exit 7").returncode == 7
    assert "Ready to accept" in contained.ok("logs", "redis")
    before = contained.ids()
    steps = contained.json("up", "redis", "--dry-run")["steps"]
    assert [s["action"] for s in steps] == ["keep"]
    contained.ok("up", "redis")
    assert contained.ids() == before
    contained.ok("stop", "redis")
    assert contained.status("redis")["health"] != "healthy"
    contained.ok("start", "redis")
    assert contained.ids() == before

    contained.ok("down")
    assert contained.labelled("container") == contained.labelled("network") == []
    assert len(contained.labelled("volume")) == 1
    kept = contained.engine.second_names()
    contained.ok("uninstall", "--yes")
    contained.engine.docker("image", "rm", *kept)
    assert contained.labelled("volume") == []


@pytest.mark.slow
def test_secrets_are_neither_in_the_compose_file_nor_on_a_command_line(
    contained: Contained,
) -> None:
    contained.ok("up", "redis")
    text = (contained.root / ".alfred/render/compose.yaml").read_text()
    secret = contained.secrets["REDIS_PASSWORD"]
    assert secret not in text
    command = json.dumps([contained.inspect("redis")["Config"]["Cmd"]])
    assert secret not in command


def test_a_changed_setting_makes_exactly_what_reads_it_anew(contained: Contained) -> None:
    contained.ok("up", "auth-ui", "redis")
    before = contained.ids()
    with (contained.root / ".env").open("a") as file:
        file.write("ALFRED_LOG_LEVEL=ERROR\n")
    steps = {
        s["service"]: s for s in contained.json("up", "--dry-run", "auth-ui", "redis")["steps"]
    }
    assert steps["redis"]["action"] == "keep"
    assert steps["auth-ui"]["action"] == "restart"
    assert "ALFRED_LOG_LEVEL changed" in steps["auth-ui"]["cause"]
    contained.ok("up", "auth-ui", "redis")
    after = contained.ids()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {contained.container("auth-ui")}


def test_paused_and_stopped_by_hand_it_is_told_and_healed(contained: Contained) -> None:
    contained.ok("up", "auth-ui", "redis")
    contained.engine.docker("pause", contained.container("redis"))
    contained.engine.docker("stop", "--time", "1", contained.container("auth-ui"))
    assert contained.status("redis")["detail"] == "it is paused"
    assert contained.status("auth-ui")["health"] == "unhealthy"
    contained.ok("up", "auth-ui", "redis")
    assert contained.status("redis")["health"] == "healthy"


@pytest.mark.slow
def test_a_container_that_is_in_the_plan_no_more_is_removed(contained: Contained) -> None:
    contained.ok("up", "auth-ui")
    label = f"com.docker.compose.project={contained.project}"
    contained.engine.docker(
        "run", "--detach", "--name", f"{contained.project}-old", "--label", label,
        "--label", "com.docker.compose.service=old-service", contained.engine.embedded,
        "sleep", "600",
    )  # fmt: skip
    assert "it is not ours to run any more" in contained.ok("up", "auth-ui", "--dry-run")
    contained.ok("up", "auth-ui")
    assert contained.labelled("container") == [contained.container("auth-ui")]


def test_it_is_ended_without_its_alfred_yaml(contained: Contained) -> None:
    contained.ok("up", "auth-ui")
    (contained.root / "alfred.yaml").write_text("services: [")
    contained.ok("down")
    assert contained.labelled("container") == []
    (contained.root / "alfred.yaml").unlink()
    contained.ok("down")


@pytest.mark.slow
def test_containers_and_local_processes_side_by_side(contained: Contained, tmp_path: Path) -> None:
    contained.ok("up", "redis")
    other = Contained.on(contained.engine, tmp_path / "other")
    local = {"ALFRED_RUNTIME": "process"}
    try:
        assert other.json("up", "redis", variables=local)["runtime"] == "process"
        assert contained.status("redis")["health"] == "healthy"
        assert other.port("redis") != contained.port("redis")
    finally:
        other.run("down", **local)


@pytest.mark.slow
def test_two_at_once_end_well(contained: Contained) -> None:
    running = [contained.popen("up", "auth-ui") for _ in range(2)]
    said = [process.communicate(timeout=90) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert len(contained.labelled("container")) == 1


@pytest.mark.slow
def test_the_other_runtime_is_refused_while_one_runs(contained: Contained) -> None:
    contained.ok("up", "auth-ui")
    done = contained.run("up", "auth-ui", "--runtime", "process")
    assert done.returncode == 2
    assert "runs in the docker runtime" in done.stderr


HOST = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    peer, _ = server.accept()
    peer.recv(9999)
    peer.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\nconnection: close\\r\\n\\r\\nmine")
    peer.close()
"""


def test_what_the_developer_runs_is_met_under_its_name(contained: Contained) -> None:
    mine = subprocess.Popen(
        [*outside(), sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True
    )
    try:
        assert mine.stdout is not None
        port = int(mine.stdout.readline())
        text = f"services: {{agent-core: {{host_port: {port}}}}}\n"
        (contained.root / "alfred.yaml").write_text(text)
        done = contained.run("up", "auth-ui", "agent-core", "--no-wait")
        assert done.returncode == 0, done.stderr
        ask = "wget -qO- http://agent-core:8011/health || sleep 0.5"
        answers = (contained.run("exec", "auth-ui", "sh", "-c", ask).stdout for _ in range(40))
        assert "mine" in answers
    finally:
        mine.kill()
        mine.communicate()


@pytest.mark.slow
def test_in_tiers_a_page_cannot_reach_a_database(contained: Contained) -> None:
    (contained.root / "alfred.yaml").write_text("network: {isolation: tiers}\n")
    contained.ok("up", "auth-ui", "redis", "model-router")
    look = "import socket; socket.getaddrinfo({!r}, 1)"
    for service, name, code in (
        ("auth-ui", "redis", 1), ("auth-ui", "model-router", 0), ("model-router", "redis", 0),
    ):  # fmt: skip
        done = contained.run("exec", service, "python3", "-c", look.format(name))
        assert done.returncode == code, (service, name, done.stderr)


def test_an_engine_that_is_down_is_said_with_both_ways_on(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "project", ALFRED_RUNTIME="docker")
    done = checkout.run("up", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert "--runtime process" in done.stderr


def test_auto_uses_local_processes_where_no_engine_answers(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "project", ALFRED_RUNTIME="auto")
    found = checkout.run("status", "--json", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert json.loads(found.stdout)["runtime"] == "process"


STUB = """#!/bin/sh
case "$*" in *compose*version*) {answer} ;; esac
exec {docker} "$@"
"""


@pytest.mark.parametrize(
    ("answer", "said"),
    [("echo 2.10.2; exit 0", "docker compose is 2.10.2"), ("exit 1", "no plugin compose")],
)
def test_a_compose_that_we_cannot_drive(
    engine: Engine, tmp_path: Path, answer: str, said: str
) -> None:
    import os
    import shutil

    programs = tmp_path / "bin"
    programs.mkdir()
    stub = programs / "docker"
    stub.write_text(STUB.format(answer=answer, docker=shutil.which("docker")))
    stub.chmod(0o755)
    checkout = Contained.on(engine, tmp_path / "project")
    done = checkout.run("up", PATH=f"{programs}:{os.environ['PATH']}")
    assert (done.returncode, said in done.stderr) == (3, True), done.stderr
    without = checkout.run("up", PATH="/nonexistent")
    assert (without.returncode, "no docker on PATH" in without.stderr) == (3, True)


@pytest.mark.slow
def test_nothing_of_ours_listens_beyond_loopback(contained: Contained) -> None:
    contained.ok("up", "auth-ui")
    ports = contained.engine.docker("ps", "--format", "{{.Ports}}", "--filter",
                                    f"name={contained.project}")  # fmt: skip
    assert ports
    assert all(part.strip().startswith("127.0.0.1:") for part in ports.split(","))
