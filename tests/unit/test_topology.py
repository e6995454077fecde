"""A running Pub/Sub is given what is declared, whatever it has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from alfred_dev import topology
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.catalog.topology import VARIABLE, Wanted, to_json
from alfred_dev.render import compose
from alfred_dev.render.expressions import resolved
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.pubsub import servers
from tests.unit.render.test_compose import project_plan

TOPICS = [Wanted("projects/p/topics/abc", {}), Wanted("projects/p/topics/dead", {})]
SUBSCRIPTION = "projects/p/subscriptions/sub"


def subscription(**more: object) -> Wanted:
    return Wanted(SUBSCRIPTION, {"topic": TOPICS[0].path, "ackDeadlineSeconds": 20, **more})


@pytest.fixture(params=["ours", pytest.param("google", marks=pytest.mark.slow)])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param == "google":
        with servers.google() as number:
            yield number
    else:
        with servers.ours() as service:
            yield service.port


def ensure(port: int, *wanted: Wanted) -> list[str]:
    return list(topology.ensure("127.0.0.1", port, wanted))


def drift(port: int, *wanted: Wanted) -> tuple[str, ...]:
    return topology.drift("127.0.0.1", port, wanted, 5.0)


def call(port: int, method: str, path: str) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}/v1/{path}"
    answer: dict[str, object] = httpx.request(method, url, trust_env=False).json()
    return answer


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + running.TIMEOUT_S
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


def childless(pid: int) -> bool:
    return not Path(f"/proc/{pid}/task/{pid}/children").read_text()


def test_what_is_missing_is_made_and_what_differs_is_mended(port: int) -> None:
    dead = {"deadLetterTopic": TOPICS[1].path, "maxDeliveryAttempts": 7}
    retry = {"minimumBackoff": "1s", "maximumBackoff": "60s"}
    all_of_it = [*TOPICS, subscription(deadLetterPolicy=dead, retryPolicy=retry)]
    assert drift(port, *all_of_it) == tuple(f"{one.path} is missing" for one in all_of_it)
    assert ensure(port, *all_of_it) == [f"made {one.path}" for one in all_of_it]
    assert ensure(port, *all_of_it) == [] and drift(port, *all_of_it) == ()
    differing = subscription(deadLetterPolicy=dead)
    assert drift(port, differing) == (f"{SUBSCRIPTION} has another retryPolicy",)
    assert ensure(port, differing) == [f"changed {SUBSCRIPTION}"]
    assert "retryPolicy" not in call(port, "GET", SUBSCRIPTION)
    ordered = subscription(enableMessageOrdering=True)
    assert ensure(port, ordered) == [f"made anew {SUBSCRIPTION}"]
    call(port, "DELETE", TOPICS[0].path)
    assert ensure(port, *TOPICS, ordered) == [f"made {TOPICS[0].path}", f"made anew {SUBSCRIPTION}"]
    assert ensure(port, *TOPICS, ordered) == []


def test_a_refusal_and_a_silent_port_are_one_error(port: int) -> None:
    with pytest.raises(topology.TopologyError, match="Subscription topic does not exist"):
        ensure(port, subscription())
    with pytest.raises(topology.TopologyError, match=r"port \d+: "):
        ensure(free_port(), *TOPICS)
    with pytest.raises(topology.TopologyError, match=r"port \d+: "):
        drift(free_port(), *TOPICS)


def test_an_emulator_of_others_gets_it_at_every_start(tmp_path: Path) -> None:
    told, port = tmp_path / "topology.json", free_port()
    told.write_text(to_json([*TOPICS, subscription()]))
    spec = running.spec_of(servers.SERVICE, [running.listener(port, ProbeKind.PUBSUB)],
                           stands_in=False)  # fmt: skip
    # Ours plays the program of others: it is told nothing of the file.
    program = [sys.executable, "-c", f"import os, sys; os.environ.pop('{VARIABLE}'); "
               "from alfred_dev.embedded.__main__ import main; "
               f"sys.exit(main(['{servers.SERVICE}'], os.environ))"]  # fmt: skip
    command = [sys.executable, "-m", "alfred_dev.embedded.pubsub.beside", str(port), *program]
    environment = running.environment(spec, {VARIABLE: str(told)})
    for _ in range(2):
        process = subprocess.Popen(
            command, cwd=running.ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if SUBSCRIPTION in line:
                    break
            assert call(port, "GET", SUBSCRIPTION)["ackDeadlineSeconds"] == 20
            until(partial(childless, process.pid))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "alfred_dev.embedded.pubsub.beside", "1", "/no/such/program"]
    done = subprocess.run(command, cwd=running.ROOT, capture_output=True, text=True)
    assert done.returncode == 127 and "/no/such/program cannot be executed" in done.stderr


def test_our_engine_has_it_before_it_answers() -> None:
    port = running.listener(free_port(), ProbeKind.PUBSUB)
    spec = running.spec_of(servers.SERVICE, [port], stands_in=False)
    wrong = Wanted("projects/p/subscriptions/wrong", {"topic": "projects/p/topics/none"})
    wanted = to_json([*TOPICS, subscription(), wrong])
    with running.started(spec, {VARIABLE: wanted}) as service:
        service.wait_for(servers.READY)
        assert call(service.port, "GET", SUBSCRIPTION)["ackDeadlineSeconds"] == 20
        assert "projects/p/subscriptions/wrong cannot be made" in service.text


DECLARED = "pubsub: {topics: [abc], subscriptions: {sub: {topic: abc, retry: {minimum: 1}}}}"


def composed(text: str) -> dict[str, object]:
    found = {a.path: a.text for a in compose.render(project_plan(text), platform=None)}
    entry: dict[str, object] = yaml.safe_load(found["compose.yaml"])["services"][servers.SERVICE]
    return entry


def test_a_container_of_googles_image_gives_it_to_itself_at_every_start(tmp_path: Path) -> None:
    command = composed(DECLARED)["command"]
    assert isinstance(command, list) and command[:2] == ["bash", "-c"]
    assert command[4] == "gcloud"
    with servers.ours() as service:
        script = resolved(command[2], {}).replace("127.0.0.1:8085", f"127.0.0.1:{service.port}")
        path = "projects/alfred-agent-platform/subscriptions/sub"
        environment = {"PATH": os.environ["PATH"]}
        with subprocess.Popen(["bash", "-c", script, "bash", "sleep", "5"], env=environment) as one:
            try:
                until(lambda: "name" in call(service.port, "GET", path))
            finally:
                one.kill()
        assert call(service.port, "GET", path)["retryPolicy"] == {
            "minimumBackoff": "1s", "maximumBackoff": "600s",
        }  # fmt: skip


def test_a_container_of_ours_is_told() -> None:
    entry = composed(DECLARED + f"\nservices: {{{servers.SERVICE}: {{from: stand-in}}}}")
    environment = entry["environment"]
    assert isinstance(environment, dict) and "topics/abc" in environment[VARIABLE]
