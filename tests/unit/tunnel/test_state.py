"""tunnels.json: written by several processes, read by anybody, believed with care."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from alfred_dev.host import processes
from alfred_dev.tunnel import state
from alfred_dev.tunnel.model import Guard, State, TunnelSpec
from alfred_dev.tunnel.opening import record_of
from tests.unit.tunnel.made import NOW, home, record, spec

ME = {"pid": os.getpid(), "identity": str(processes.identity(os.getpid()))}


def test_what_is_put_is_read_and_the_file_is_private(tmp_path: Path) -> None:
    place = home(tmp_path)
    state.put(place, record())
    assert state.read(place) == {"agent-core": record()}
    state.drop(place, "agent-core")
    assert state.read(place) == {}
    assert (place / state.FILE).stat().st_mode & 0o777 == 0o600


def test_the_process_of_an_earlier_opening_touches_nothing_of_the_next(tmp_path: Path) -> None:
    """A supervisor starts again what a failed opening left, just when the next one begins."""
    place = home(tmp_path)
    first, second = spec(nonce="first"), spec(nonce="second")
    state.put(place, record_of(second, NOW))
    state.amend(place, first, healthy=True)
    state.forget(place, first)
    assert state.of(place, first) is None
    assert state.read(place) == {"agent-core": record_of(second, NOW)}
    state.amend(place, second, healthy=True)
    assert state.of(place, second) == replace(record_of(second, NOW), healthy=True)
    state.forget(place, second)
    assert state.read(place) == {}


def test_why_an_opening_failed_stays_for_who_opened_it(tmp_path: Path) -> None:
    place = home(tmp_path)
    state.put(place, record_of(spec(), NOW))
    state.amend(place, spec(), state=State.FAILED)
    state.forget(place, spec())
    assert state.read(place)["agent-core"].state is State.FAILED


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "{}", '{"tunnels": 3}', '{"tunnels": [{}, 1, {"name": "x"}]}']
)
def test_a_torn_file_has_no_tunnels(tmp_path: Path, text: str) -> None:
    place = home(tmp_path)
    (place / state.FILE).write_text(text)
    assert state.read(place) == {}


def test_what_a_newer_version_wrote_besides_is_ignored(tmp_path: Path) -> None:
    place = home(tmp_path)
    state.put(place, record())
    document = json.loads((place / state.FILE).read_text())
    document["tunnels"][0]["colour"] = "blue"
    (place / state.FILE).write_text(json.dumps(document))
    assert state.read(place) == {"agent-core": record()}


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    place = home(tmp_path)
    names = [f"t-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: state.put(place, record(name=name)), names))
    assert sorted(state.read(place)) == sorted(names)


def test_only_what_runs_and_has_time_left_is_live(tmp_path: Path) -> None:
    place = home(tmp_path)
    state.put(place, record(name="runs", **ME))
    state.put(place, record(name="over", expires_at=NOW, **ME))
    state.put(place, record(name="failed", state=State.FAILED, **ME))
    state.put(place, record(name="dead", pid=ME["pid"], identity="another"))
    state.put(place, record(name="young", state=State.OPENING))
    state.put(place, record(name="stuck", state=State.OPENING, opened_at=NOW - 60))
    assert set(state.live(place, NOW)) == {"runs", "young"}


def test_what_a_killed_tunnel_left_behind_is_swept_up(tmp_path: Path) -> None:
    place = home(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as left:
        children = {str(left.pid): str(processes.identity(left.pid))}
        state.put(place, record(name="dead", pid=1, identity="another", children=children))
        state.put(place, record(name="runs", **ME))
        assert state.sweep(place, NOW) == ["dead"]
        assert left.wait(5) != 0
    assert set(state.read(place)) == {"runs"}


def test_waiting_ends_with_the_opening(tmp_path: Path) -> None:
    place = home(tmp_path)
    assert state.wait(place, "agent-core", timeout_s=1) is None
    state.put(place, record(state=State.OPENING))
    found = state.wait(place, "agent-core", timeout_s=0.05)
    assert found is not None
    assert found.state is State.OPENING


def test_instructions_survive_their_journey() -> None:
    made = spec(guard=Guard(user="me", networks=("10.0.0.0/8",), verify="slack"), hook=("a", "{b}"))
    assert TunnelSpec.from_json(made.to_json()) == made
    assert TunnelSpec.from_encoded(made.encoded) == made
    assert "{" not in made.encoded


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        (Guard(), "public"),
        (Guard(user="me"), "password"),
        (Guard(networks=("10.0.0.0/8",)), "cidr"),
        (Guard(verify="slack"), "slack signature"),
        (Guard(gateway=True), "gateway"),
        (Guard(user="me", verify="github"), "password + github signature"),
    ],
)
def test_a_guard_says_what_it_is(guard: Guard, words: str) -> None:
    assert guard.protected_by == words
