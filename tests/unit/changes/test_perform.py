"""Steps: said in a line, carried out, carried out again, and sent to root's helper."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alfred_dev.changes import elevate
from alfred_dev.changes.model import Block, Drop, Put, Run, Step, from_rows, to_rows
from alfred_dev.changes.perform import perform
from alfred_dev.errors import MachineError


def test_steps_survive_being_written_down() -> None:
    steps = (
        Put(path="/a", text="x", root=True),
        Drop(path="/a", folders=("/b",)),
        Block(path="/etc/hosts", lines=("::1\tx",), root=True),
        Run(argv=("true", "a b"), tolerated=("absent",)),
    )
    assert from_rows(json.loads(json.dumps(to_rows(steps)))) == steps
    assert [str(step) for step in steps] == [
        "write /a",
        "delete /a",
        "have 1 lines in a marked block of /etc/hosts",
        "run true 'a b'",
    ]


@pytest.mark.parametrize("rows", [[{}], [{"do": "Sweep"}], [{"do": "Put", "what": 1}], [1]])
def test_what_is_no_step_is_refused(rows: list[object]) -> None:
    with pytest.raises(ValueError, match="no steps"):
        from_rows(rows)  # type: ignore[arg-type]


def test_every_step_can_be_done_twice(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("a\n")
    file = tmp_path / "made" / "deep" / "file"
    folders = (str(file.parent), str(file.parent.parent))
    make: list[Step] = [Put(path=str(file), text="x"), Block(path=str(hosts), lines=("::1\tx",))]
    back: list[Step] = [Drop(path=str(file), folders=folders), Block(path=str(hosts), lines=())]
    for _ in range(2):
        perform(make)
    assert file.read_text() == "x"
    assert file.stat().st_mode & 0o777 == 0o644
    for _ in range(2):
        perform(back)
    assert sorted(tmp_path.iterdir()) == [hosts]
    assert hosts.read_text() == "a\n"


def test_a_folder_that_others_use_by_now_stays(tmp_path: Path) -> None:
    file = tmp_path / "made" / "file"
    perform([Put(path=str(file), text="x")])
    (file.parent / "theirs").touch()
    perform([Drop(path=str(file), folders=(str(file.parent),))])
    assert [p.name for p in file.parent.iterdir()] == ["theirs"]


def test_a_program_that_fails_says_why_and_what_to_type() -> None:
    with pytest.raises(MachineError) as caught:
        perform([Run(argv=("sh", "-c", "echo first; echo the reason >&2; exit 3"))])
    assert "exit 3: the reason" in caught.value.cause
    perform([Run(argv=("sh", "-c", "echo it is absent; exit 1"), tolerated=("absent",))])
    with pytest.raises(MachineError):
        perform([Run(argv=("no-such-program-anywhere",))])


def test_the_helper_carries_out_what_the_file_says_and_imports_nothing_of_the_caller(
    tmp_path: Path,
) -> None:
    hosts, rows = tmp_path / "hosts", tmp_path / "steps.json"
    hosts.write_text("a\n")
    rows.write_text(json.dumps(to_rows([Block(path=str(hosts), lines=("::1\tx",), root=True)])))
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the current folder')")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = elevate.helper(rows)
    assert command[0] == sys.executable
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "::1\tx" in hosts.read_text()
    rows.write_text("[{}]")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
