"""What a checkout remembers of its runtime."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from alfred_dev.runtime import memory
from alfred_dev.runtime.memory import Memory
from alfred_dev.workspace import Workspace


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    known = Memory(
        runtime="docker",
        url="unix:///x",
        subnets={"a": "10.0.0.0/24"},
        failed={"i": ("no", 5.0, 9.0)},
        images=("i",),
    )
    memory.save(place, known)
    assert memory.load(place) == known
    assert (place.home / memory.FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"runtime": "docker", "nonsense": 1}', "null"])
def test_a_torn_file_is_forgotten(tmp_path: Path, text: str) -> None:
    place = Workspace(tmp_path)
    place.home.mkdir()
    (place.home / memory.FILE).write_text(text)
    assert memory.load(place) == Memory()


def test_data_of_local_processes_binds_to_them(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert memory.load(place).runtime == ""
    (place.data / "redis").mkdir(parents=True)
    assert memory.load(place).runtime == "process"


def test_what_could_not_be_had_is_asked_for_again_later() -> None:
    known = Memory(failed={"old": ("no", 0.0, 0.0), "new": ("no", 1000.0, 1000.0)})
    assert set(known.unavailable(1000.0)) == {"new"}


def test_the_longer_it_could_not_be_had_the_rarer_it_is_asked_for() -> None:
    known, asked, now = Memory(), [], 0.0
    while now < 3 * memory.LONGEST_PULL_S:
        if not known.unavailable(now):
            known = known.with_failed({"i": "no"}, now)
            asked.append(now)
        now += 60.0
    pauses = [b - a for a, b in pairwise(asked)]
    assert pauses[:4] == [600, 600, 1200, 2400]
    assert pauses == sorted(pauses)
    assert pauses[-1] == memory.LONGEST_PULL_S
