"""A file that is not ours: whole or not at all, with all that belongs to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alfred_dev.changes import block, files
from alfred_dev.errors import MachineError

LINES = [b"127.0.0.1\tapi.dev.test"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def add(data: bytes) -> bytes:
    return block.put(data, LINES)


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_bytes(b"127.0.0.1 localhost\n")
    return path


def test_mode_owner_and_attributes_stay(hosts: Path) -> None:
    hosts.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(hosts, 1234, 2345)
    try:
        os.setxattr(hosts, "user.label", b"kept")
        labelled = True
    except OSError:
        labelled = False
    before = hosts.stat()
    assert files.edit(hosts, add)
    after = hosts.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip
    assert not labelled or os.getxattr(hosts, "user.label") == b"kept"
    assert list(hosts.parent.iterdir()) == [hosts]


def test_nothing_to_do_touches_nothing(hosts: Path) -> None:
    files.edit(hosts, add)
    before = hosts.stat()
    assert not files.edit(hosts, add)
    assert hosts.stat() == before


def test_a_symbolic_link_stays_one(hosts: Path, tmp_path: Path) -> None:
    link = tmp_path / "etc" / "hosts"
    link.parent.mkdir()
    link.symlink_to("../hosts")
    files.edit(link, add)
    assert link.is_symlink()
    assert hosts.read_bytes() == add(b"127.0.0.1 localhost\n")


def test_what_another_program_writes_meanwhile_is_kept(hosts: Path) -> None:
    writes = iter([b"10.0.0.1 one\n", b"10.0.0.1 one\n10.0.0.2 two\n"])

    def pause() -> None:
        text = next(writes, None)
        if text is not None:
            hosts.write_bytes(text)

    files.edit(hosts, add, pause=pause)
    assert block.drop(hosts.read_bytes()) == b"10.0.0.1 one\n10.0.0.2 two\n"
    assert block.lines(hosts.read_bytes()) == LINES


def test_a_file_that_never_rests_is_left_alone(hosts: Path) -> None:
    count = iter(range(100))

    def pause() -> None:
        hosts.write_bytes(b"%d\n" % next(count))

    with pytest.raises(MachineError) as caught:
        files.edit(hosts, add, pause=pause)
    assert caught.value.code == "file-busy"
    assert block.lines(hosts.read_bytes()) == []


def test_utf16_is_refused(hosts: Path) -> None:
    hosts.write_text("127.0.0.1 localhost\n", encoding="utf-16")
    before = hosts.read_bytes()
    with pytest.raises(MachineError) as caught:
        files.edit(hosts, add)
    assert caught.value.code == "file-encoding"
    assert hosts.read_bytes() == before


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        files.edit(tmp_path / "hosts", add)
    assert "touch" in caught.value.fix[0]


@needs_root
def test_an_immutable_file_names_chattr(hosts: Path) -> None:
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+i", hosts]).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        with pytest.raises(MachineError) as caught:
            files.edit(hosts, add)
    finally:
        subprocess.run(["chattr", "-i", hosts], check=True)
    assert "chattr -i" in caught.value.fix[0]
    assert hosts.read_bytes() == b"127.0.0.1 localhost\n"
    assert list(hosts.parent.iterdir()) == [hosts]


MOUNTED = """
import sys
from pathlib import Path
from alfred_dev.changes import block, files
from alfred_dev.errors import MachineError
path = Path(sys.argv[1])
try:
    files.edit(path, lambda data: block.put(data, [b"::1\\tx"]))
    print(path.read_bytes())
    files.edit(path, block.drop)
    print(path.read_bytes())
except MachineError as error:
    print(error.code, error.fix[0])
"""


def mounted(hosts: Path, commands: str) -> str:
    """Run the edit in a mount namespace in which ``commands`` were run first."""
    script = f'{commands}; exec "$0" "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", script, sys.executable, "-c", MOUNTED, str(hosts)],
        capture_output=True, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    if "unshare failed" in done.stderr or "mount" in done.stderr:
        pytest.skip("no mount namespaces here")
    return done.stdout


@needs_root
def test_a_read_only_mount_names_itself(hosts: Path) -> None:
    folder = hosts.parent
    said = mounted(hosts, f"mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}")
    assert said.startswith("not-writable findmnt")
    assert hosts.read_bytes() == b"127.0.0.1 localhost\n"


@needs_root
def test_a_file_that_is_itself_a_mount_is_written_in_place(hosts: Path) -> None:
    """As /etc/hosts in a container: it cannot be renamed over."""
    said = mounted(hosts, f"mount --bind {hosts} {hosts}").splitlines()
    assert "::1" in said[0]
    assert said[1] == repr(b"127.0.0.1 localhost\n")
    assert hosts.read_bytes() == b"127.0.0.1 localhost\n"


def test_five_megabytes_come_and_go(hosts: Path) -> None:
    text = b"".join(b"10.0.%d.%d host-%d.example\n" % (i % 99, i % 9, i) for i in range(170_000))
    hosts.write_bytes(text)
    files.edit(hosts, add)
    files.edit(hosts, block.drop)
    assert hosts.read_bytes() == text
