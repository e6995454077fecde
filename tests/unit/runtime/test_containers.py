"""What the engine says of a container, as the state of a service."""

from __future__ import annotations

from typing import Any

import pytest

from alfred_dev.runtime.base import State
from alfred_dev.runtime.containers import detail, instant, published, running, state_of


def inspected(status: str, **state: Any) -> dict[str, Any]:
    return {
        "State": {"Status": status, **state},
        "RestartCount": 2,
        "HostConfig": {"Memory": 2**28},
    }


@pytest.mark.parametrize(
    ("status", "state", "expected", "said"),
    [
        ("running", {}, State.RUNNING, ""),
        ("paused", {}, State.STOPPED, "it is paused"),
        ("restarting", {"ExitCode": 1}, State.BACKOFF, "exit status 1"),
        ("exited", {"ExitCode": 137}, State.EXITED, "terminated by SIGKILL"),
        ("exited", {"ExitCode": 0}, State.EXITED, "exit status 0"),
        ("exited", {"ExitCode": 137, "OOMKilled": True}, State.EXITED, "(its limit is 256 MB)"),
        ("running", {"OOMKilled": True}, State.RUNNING, "(its limit is 256 MB)"),  # started over
        ("created", {"Error": "port is taken"}, State.FATAL, "port is taken"),
        ("created", {}, State.STOPPED, "it was never started"),
        ("dead", {"ExitCode": 2}, State.FATAL, "exit status 2"),
    ],
)
def test_states(status: str, state: dict[str, Any], expected: State, said: str) -> None:
    container = inspected(status, **state)
    assert state_of(container, 100.0) is expected
    assert detail(container).endswith(said)


def test_a_young_container_is_starting() -> None:
    assert state_of(inspected("running"), 1.0) is State.STARTING


def test_ports_are_those_of_this_machine() -> None:
    ports = [
        {"Type": "tcp", "PublicPort": 5432, "PrivatePort": 5432, "IP": "127.0.0.1"},
        {"Type": "tcp", "PrivatePort": 9},
        {"Type": "udp", "PublicPort": 53},
    ]
    assert published({"State": "running", "Ports": ports}) == {5432}
    assert published({"State": "exited", "Ports": ports}) == frozenset()
    assert published({"State": "created", "Ports": None}) == frozenset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
        ("1970-01-01T00:00:10.5Z", 10.5),
        ("1970-01-01T00:00:10.123456789Z", 10.123456789),
        ("1970-01-01T01:00:10+01:00", 10.0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert instant(text) == pytest.approx(seconds)


def test_all_of_it() -> None:
    container = inspected("running", Pid=7, StartedAt="1970-01-01T00:00:10Z")
    found = running({"State": "running", "Ports": []}, container, None, 11.0)
    assert (found.pid, found.started_at, found.restarts) == (7, 10.0, 2)
    assert found.state is State.STARTING
