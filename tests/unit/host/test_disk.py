"""Free space and file modes of real folders."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from alfred_dev.host import disk


def test_free_space_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    missing = disk.free_bytes(tmp_path / "not" / "yet")
    assert missing == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)


def test_a_relative_path_is_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert disk.free_bytes(Path("not/yet")) > 0


def test_an_ordinary_folder_keeps_modes_and_stays_empty(tmp_path: Path) -> None:
    assert not disk.ignores_modes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        disk.ignores_modes(tmp_path / "none")


@pytest.fixture(params=["--chmod-ignore", "--chmod-deny"])
def modeless(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder of a file system whose files are always 0777, as on a Windows disk under WSL."""
    if shutil.which("bindfs") is None or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("needs bindfs and the right to mount")
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    command = ["bindfs", "--perms=0777", str(request.param), str(source), str(target)]
    if subprocess.run(command).returncode != 0:
        pytest.skip("bindfs may not mount here")
    yield target
    subprocess.run(["umount", str(target)], check=True)


def test_a_folder_that_ignores_modes_is_told_apart(modeless: Path) -> None:
    assert disk.ignores_modes(modeless)
    assert list(modeless.iterdir()) == []
