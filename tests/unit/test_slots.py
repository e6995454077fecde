"""Slots: claimed, remembered, freed; never two checkouts in one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alfred_dev import slots
from alfred_dev.errors import MachineError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "slots.json"


def checkout(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return folder


def claim(file: Path, root: Path, wanted: str = "", *, taken: tuple[int, ...] = ()) -> int:
    return slots.claim(file, root, wanted, usable=lambda slot: slot not in taken)


def test_zero_is_the_first_and_is_remembered(file: Path, tmp_path: Path) -> None:
    one = checkout(tmp_path, "one")
    assert slots.of(file, one) is None
    assert claim(file, one) == 0
    assert slots.of(file, one) == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_second_checkout_is_told_who_has_it_and_takes_another(
    file: Path, tmp_path: Path
) -> None:
    one, two = checkout(tmp_path, "one"), checkout(tmp_path, "two")
    claim(file, one)
    with pytest.raises(MachineError) as caught:
        claim(file, two)
    assert str(one) in caught.value.cause
    assert claim(file, two, "auto") == 1
    assert claim(file, two, "auto") == claim(file, two) == 1


def test_auto_passes_over_slots_whose_ports_are_taken(file: Path, tmp_path: Path) -> None:
    assert claim(file, checkout(tmp_path, "one"), "auto", taken=(0, 1, 2)) == 3


def test_a_checkout_may_change_its_slot(file: Path, tmp_path: Path) -> None:
    one = checkout(tmp_path, "one")
    claim(file, one)
    assert claim(file, one, "2") == 2
    assert slots.claims(file) == {2: str(one)}


def test_what_is_gone_has_no_slot(file: Path, tmp_path: Path) -> None:
    one, two = checkout(tmp_path, "one"), checkout(tmp_path, "two")
    claim(file, one)
    one.rmdir()
    assert claim(file, two) == 0
    slots.release(file, two)
    assert slots.claims(file) == {}


@pytest.mark.parametrize("wanted", ["6", "-1", "x", "1.5", "٣"])
def test_what_is_no_slot(file: Path, tmp_path: Path, wanted: str) -> None:
    with pytest.raises(UsageError):
        claim(file, checkout(tmp_path, "one"), wanted)


def test_all_taken_is_said_with_the_holders(file: Path, tmp_path: Path) -> None:
    for number in range(6):
        claim(file, checkout(tmp_path, str(number)), "auto")
    with pytest.raises(MachineError) as caught:
        claim(file, checkout(tmp_path, "seventh"), "auto")
    assert str(tmp_path / "3") in caught.value.cause


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', "\x00"])
def test_a_torn_registry_counts_as_empty(file: Path, tmp_path: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert claim(file, checkout(tmp_path, "one")) == 0


def test_a_torn_registry_is_set_aside(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"0": "/tm')
    claim(file, checkout(tmp_path, "one"))
    assert file.with_suffix(".torn").read_text() == '{"0": "/tm'


def test_auto_leaves_a_slot_whose_ports_others_hold(file: Path, tmp_path: Path) -> None:
    one = checkout(tmp_path, "one")
    claim(file, one)
    assert claim(file, one, "auto", taken=(0,)) == 1


def test_choosing_changes_nothing(file: Path, tmp_path: Path) -> None:
    one = checkout(tmp_path, "one")
    assert slots.choose(file, one, "2", usable=lambda slot: True) == 2
    assert not file.exists()


def test_claims_at_the_same_time_never_collide(file: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from alfred_dev import slots\n"
        "print(slots.claim(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), 'auto',"
        " usable=lambda s: True))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(file), str(checkout(tmp_path, str(n)))],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(6)
    ]
    got = sorted(int(process.communicate()[0]) for process in running)
    assert got == [0, 1, 2, 3, 4, 5]
    assert len(json.loads(file.read_text())) == 6
