"""Every fault of the list is somebody's to find, and is injected, or it is said why not."""

from __future__ import annotations

from bench.doctor import pairs
from bench.faults import docker, images, outside, process, volumes
from bench.faults.assigned import assigned, harmless
from bench.faults.harmless import HARMLESS

EVERY = (process, outside, docker, images, volumes)
INJECTED = {fault.id for module in EVERY for fault in module.FAULTS}


def test_every_fault_of_the_list_is_assigned_once() -> None:
    ids = [row.id for row in assigned()]
    assert len(ids) == len(set(ids)) == 127
    assert {row.by for row in assigned()} == {"doctor", "up", "lint"}
    assert {row.runtimes for row in assigned()} <= {"p", "d", "pd"}


def test_what_is_not_injected_has_a_reason() -> None:
    for row in assigned():
        assert bool(row.why_not) is (row.id not in INJECTED), row.id


def test_every_case_that_is_no_fault_is_made_so_or_has_a_reason() -> None:
    made = {case.id for case in HARMLESS}
    assert {row.id for row in harmless()} == {f"Z{n:02}" for n in range(1, 11)}
    for row in harmless():
        assert bool(row.why_not) is (row.id not in made), row.id


def test_pairs_are_independent_and_always_the_same() -> None:
    every = (*process.FAULTS, *outside.FAULTS)
    chosen = pairs(60, every, 7)
    assert len(chosen) == 60
    assert chosen == pairs(60, every, 7)
    assert all(not first.touches & second.touches for first, second in chosen)
