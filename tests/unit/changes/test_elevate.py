"""Root's share: one command, shown in full, and no prompt where nobody could answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PYTHON = "/usr/bin/python3"  # one that every user can read
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
CODE = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from alfred_dev.changes.elevate import carry_out
from alfred_dev.changes.model import Block, Put
from alfred_dev.errors import MachineError
folder = Path(sys.argv[2])
steps = [Put(path=str(folder / "mine"), text="x"),
         Block(path=str(folder / "hosts"), lines=("::1\\tx",), root=True)]
told = []
try:
    carry_out(steps, folder / "data", os.environ, told.append)
    print(json.dumps({"told": told}))
except MachineError as error:
    print(json.dumps({"told": told, "code": error.code, "cause": error.cause, "fix": error.fix}))
"""
SUDO = """#!/bin/sh
printf '%s\\n' "$*" >> {folder}/sudo.log
[ "$1" = -n ] && shift
{then}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of nobody's, outside of pytest's, which only its owner may enter."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None or not Path(PYTHON).exists():
        pytest.skip("needs root, setpriv and the distribution's Python")
    version = subprocess.run([PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    if version.returncode:
        pytest.skip("the distribution's Python is too old")
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        (made / "hosts").write_text("a\n")
        (made / "bin").mkdir()
        subprocess.run(["chown", "-R", "65534:65534", name], check=True)
        yield made


def run(folder: Path, then: str | None) -> dict[str, object]:
    if then is not None:
        sudo = folder / "bin" / "sudo"
        sudo.write_text(SUDO.format(folder=folder, then=then))
        sudo.chmod(0o755)
    environment = {"PATH": f"{folder}/bin" + (":/usr/bin:/bin" if then is not None else "")}
    done = subprocess.run(
        [shutil.which(NOBODY[0]) or "", *NOBODY[1:], PYTHON, "-c", CODE, str(REPOSITORY), folder],
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip
    if "Permission denied" in done.stderr:
        pytest.skip("this user cannot read the project")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_roots_share_is_one_command_and_ours_takes_none(folder: Path) -> None:
    said = run(folder, 'exec "$@"')
    (command,) = (folder / "sudo.log").read_text().splitlines()
    assert command.startswith("-n "), "nobody is there to type a password"
    assert said["told"] == [f"as root: sudo {command.removeprefix('-n ')}"]
    assert (folder / "mine").read_text() == "x"
    assert "::1\tx" in (folder / "hosts").read_text()
    assert not (folder / "data/as-root.json").exists()


@pytest.mark.parametrize("then", ["exit 1", None])
def test_without_it_the_command_to_type_is_the_fix_and_works(
    folder: Path, then: str | None
) -> None:
    said = run(folder, then)
    assert said["code"] == "privilege-needed", said
    assert "have 1 lines in a marked block" in str(said["cause"])
    assert (folder / "hosts").read_text() == "a\n"
    assert (folder / "data/as-root.json").stat().st_mode & 0o777 == 0o600
    fix = said["fix"]
    assert isinstance(fix, list)
    subprocess.run(fix[0].removeprefix("sudo ").split(), check=True)
    assert "::1\tx" in (folder / "hosts").read_text()
