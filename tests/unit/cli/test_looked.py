"""That certificates were good is remembered, and noticed when it may not be so any more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alfred_dev import projectfile
from alfred_dev.cli import authority, looked
from alfred_dev.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    found = Workspace(tmp_path / "project")
    found.root.mkdir()
    (found.root / "alfred.yaml").write_text("{}\n")
    found.prepare()
    return found


def ensure(place: Workspace) -> list[str]:
    said: list[str] = []
    authority.ensure(place, projectfile.loaded(place), said.append)
    return said


def good(place: Workspace) -> bool:
    return looked.still_good(place, projectfile.loaded(place))


@pytest.fixture
def seen(place: Workspace) -> Workspace:
    """A checkout whose certificates were made, and then found good."""
    assert ensure(place)
    assert not good(place), "what was only just made was not read back yet"
    assert ensure(place) == []
    assert good(place)
    return place


def store_files(place: Workspace) -> dict[str, Path]:
    here = authority.store(place, projectfile.loaded(place).project)
    return {
        "ca": here.ca_certificate,
        "ca key": here.ca_key,
        "gateway": here.certificate("gateway"),
        "gateway key": here.key("gateway"),
        "loopback": here.certificate("loopback"),
        "loopback key": here.key("loopback"),
        "ledger": here.ledger.file,
        "bundle": place.home / "ca-bundle.pem",
    }


def edit_with_the_old_time(path: Path) -> None:
    """Change one byte, and have the file look as old and as long as it was."""
    before, data = path.stat(), path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "edited": edit_with_the_old_time,
    "open to others": lambda path: path.chmod(0o666),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_happens_to_a_file_is_noticed(seen: Workspace, change: str) -> None:
    for path in store_files(seen).values():
        data, mode = path.read_bytes(), path.stat().st_mode
        CHANGES[change](path)
        assert not good(seen), path
        path.write_bytes(data)
        path.chmod(mode)
        ensure(seen)
        assert good(seen), path


def test_a_leaf_that_was_deleted_is_made_anew(seen: Workspace) -> None:
    store_files(seen)["gateway"].unlink()
    assert ensure(seen) == ["made the certificate of the gateway anew: it was missing"]
    assert not good(seen)


@pytest.mark.parametrize("folder", ["ca_folder", "certs"])
def test_a_folder_of_keys_that_others_may_write_in_is_noticed(seen: Workspace, folder: str) -> None:
    found: Path = getattr(authority.store(seen, projectfile.loaded(seen).project), folder)
    found.chmod(0o777)
    assert not good(seen)


def test_a_copy_of_a_checkout_has_to_look_at_its_own_files(seen: Workspace) -> None:
    copy = Workspace(seen.root.parent / "copy")
    shutil.copytree(seen.root, copy.root)
    store_files(copy)["gateway key"].unlink()
    assert good(seen)
    assert not good(copy)


def test_another_domain_takes_other_certificates(seen: Workspace) -> None:
    (seen.root / "alfred.yaml").write_text("domain: dev.example.org\n")
    assert not good(seen)


@pytest.mark.parametrize(("begin", "until"), [(0, 1), (2**40, 2**41)])
def test_the_clock_is_asked_every_time(seen: Workspace, begin: int, until: int) -> None:
    file = seen.run / looked.FILE
    known = json.loads(file.read_text())
    file.write_text(json.dumps(known | {"time": [begin, until]}))
    assert not good(seen)


def test_it_holds_until_thirty_days_before_the_first_end(seen: Workspace) -> None:
    begin, until = json.loads((seen.run / looked.FILE).read_text())["time"]
    assert 364 <= (until - begin) / 86400 <= 368  # a leaf lives for 397 days


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"time": [0, 1e99], "asked": "", "files": 1}'])
def test_a_torn_file_is_no_promise(seen: Workspace, text: str) -> None:
    (seen.run / looked.FILE).write_text(text)
    assert not good(seen)


def test_a_start_loads_no_cryptography_unless_it_must_look() -> None:
    code = "import alfred_dev.cli.session, sys; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
