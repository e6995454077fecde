"""Every fault of the list is somebody's to find, and is injected, or it is said why not."""

from __future__ import annotations

from bench.doctor import pairs
from bench.faults import docker, outside, process
from bench.faults.assigned import assigned

INJECTED = {f.id for f in (*process.FAULTS, *outside.FAULTS, *docker.FAULTS)}


def test_every_fault_of_the_list_is_assigned_once() -> None:
    ids = [row.id for row in assigned()]
    assert len(ids) == len(set(ids)) == 127
    assert {row.by for row in assigned()} == {"doctor", "up", "lint"}
    assert {row.runtimes for row in assigned()} <= {"p", "d", "pd"}


def test_what_is_not_injected_has_a_reason() -> None:
    for row in assigned():
        assert bool(row.why_not) is (row.id not in INJECTED), row.id


def test_pairs_are_independent_and_always_the_same() -> None:
    every = (*process.FAULTS, *outside.FAULTS)
    chosen = pairs(60, every, 7)
    assert len(chosen) == 60
    assert chosen == pairs(60, every, 7)
    assert all(not first.touches & second.touches for first, second in chosen)
