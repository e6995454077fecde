"""A sample of the faults of bench/doctor.py, injected for real: the first finding is the true
cause, and the fix that it prints, typed as it stands, mends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.doctor import errors, names, relevant
from bench.faults.process import FAULTS
from bench.faults.record import Fault
from bench.faults.world import World, until, world

# One of each kind of look: what runs, what listens, what is said, what is stored.
SAMPLE = ("S13", "P07", "V05", "Q21")
PATIENCE_S = 15  # a loaded machine takes its time to be well again
# What the machine that runs the tests may have of its own.
OF_THE_MACHINE = ("cpu-busy", "memory-low", "proxy-without-exception")


@pytest.fixture(scope="module")
def whole_world(tmp_path_factory: pytest.TempPathFactory, own_ports: None) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("faults")) as made:
        yield made


def left(whole_world: World) -> list[dict[str, Any]]:
    return [f for f in errors(whole_world.doctor()) if f["code"] not in OF_THE_MACHINE]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.id in SAMPLE], ids=lambda f: f.id)
def test_a_fault_is_named_and_mended(whole_world: World, fault: Fault) -> None:
    undo = fault.inject(whole_world)
    try:
        told = [f for f in relevant(whole_world.doctor()) if f["code"] not in OF_THE_MACHINE]
        assert told, "nothing was found"
        assert names(fault, told[0]), told[0]
        whole_world.shell(told[0]["fix"]["commands"])
        until(lambda: not left(whole_world), PATIENCE_S)
        assert left(whole_world) == []
    finally:
        undo()
        assert whole_world.restore()
