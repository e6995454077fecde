from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alfred_dev.embedded import folder
from alfred_dev.errors import AlfredError


def test_one_at_a_time(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "redis"
    said: list[str] = []
    held = folder.lock(data, said.append)
    with pytest.raises(AlfredError, match="another process uses its data folder"):
        folder.lock(data, said.append, timeout_s=0)
    os.close(held)
    os.close(folder.lock(data, said.append, timeout_s=0))
    assert said == [f"waiting for another process to leave {data}\n"]
    assert not data.exists()


def test_a_child_holds_the_lock_as_long_as_it_lives(tmp_path: Path) -> None:
    data = tmp_path / "redis"
    said: list[str] = []
    held = folder.lock(data, said.append)
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    os.close(held)
    try:
        with pytest.raises(AlfredError):
            folder.lock(data, said.append, timeout_s=0)
    finally:
        child.kill()
        child.wait()
    os.close(folder.lock(data, said.append, timeout_s=0))


def test_what_is_made_appears_at_once_and_whole(tmp_path: Path) -> None:
    data = tmp_path / "db é"
    with folder.made_whole(data) as scratch:
        new = scratch / "new"
        new.mkdir()
        new.joinpath("file").write_text("whole")
        assert not data.exists()
    assert data.joinpath("file").read_text() == "whole"
    assert list(tmp_path.iterdir()) == [data]


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    data = tmp_path / "db"
    data.mkdir()
    with folder.made_whole(data) as scratch:
        scratch.joinpath("new").mkdir()
        scratch.joinpath("new", "file").touch()
    assert data.joinpath("file").exists()


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), folder.made_whole(tmp_path / "db") as scratch:
        scratch.joinpath("new").mkdir()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "db[1]"
    code = (
        "import os, pathlib, sys\n"
        "from alfred_dev.embedded import folder\n"
        "with folder.made_whole(pathlib.Path(sys.argv[1])) as scratch:\n"
        "    scratch.joinpath('new').mkdir()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(data)], check=False)
    assert done.returncode == -signal.SIGKILL
    other = tmp_path / ".db.init-other"
    other.mkdir()
    assert len(list(tmp_path.iterdir())) == 2
    folder.remove_leftovers(data)
    assert list(tmp_path.iterdir()) == [other]
