from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded import engines, stepdown
from alfred_dev.embedded.refused import RefusedError
from alfred_dev.embedded.stepdown import Folder, Step, Way, blocking, decide
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.test_postgres import sql

HOME = Path("/root")
FREE: dict[Way, tuple[Path, ...]] = {Way.NAMESPACE: (), Way.NOBODY: ()}
WALLED: dict[Way, tuple[Path, ...]] = {Way.NAMESPACE: (), Way.NOBODY: (HOME,)}
SUDO = {Way.NAMESPACE: (Path("/home/me"),), Way.NOBODY: (Path("/home/me"),)}
NO_NAMESPACES = (sys.executable, "-m", "tests.unit.embedded.no_namespaces")


@pytest.mark.parametrize(
    ("namespaces", "blocked", "way"),
    [
        (True, FREE, Way.NAMESPACE),
        (True, WALLED, Way.NAMESPACE),
        (True, {Way.NAMESPACE: (HOME,), Way.NOBODY: ()}, Way.NOBODY),
        (False, FREE, Way.NOBODY),
    ],
)
def test_the_way_down(namespaces: bool, blocked: dict[Way, tuple[Path, ...]], way: Way) -> None:
    assert decide(namespaces=namespaces, blocked=blocked) is way


@pytest.mark.parametrize(
    ("namespaces", "blocked", "words"),
    [
        (False, WALLED, "the user nobody cannot pass /root"),
        (True, SUDO, "root without its privileges cannot pass /home/me"),
    ],
)
def test_no_way_down_says_what_to_type(
    namespaces: bool, blocked: dict[Way, tuple[Path, ...]], words: str
) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        decide(namespaces=namespaces, blocked=blocked)
    assert caught.value.exit_code == 78
    assert caught.value.fix[0].startswith("chmod o+x /")


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "passes"),
    [
        (7, 8, 0o700, True),
        (7, 8, 0o077, False),
        (1, 8, 0o710, True),
        (1, 8, 0o701, False),
        (1, 1, 0o701, True),
        (1, 1, 0o770, False),
    ],
)
def test_who_may_pass_a_folder(uid: int, gid: int, mode: int, passes: bool) -> None:
    folder = Folder(path=Path("/x"), uid=uid, gid=gid, mode=0o40000 | mode)
    assert blocking([folder, folder], 7, 8) == (() if passes else (Path("/x"),))


@pytest.mark.skipif(os.geteuid() == 0, reason="for everybody but root")
def test_who_is_not_root_stays_who_he_is(tmp_path: Path) -> None:
    step = stepdown.step_for([tmp_path])
    assert step == Step(way=Way.NONE, uid=os.geteuid(), gid=os.getegid())


@running.ROOT_ON_LINUX
def test_files_are_given_once_and_wholly(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "base").mkdir(parents=True)
    (data / "base" / "1").touch()
    (data / "link").symlink_to("/etc/passwd")
    nobody = Step(way=Way.NOBODY, uid=65534, gid=65534)
    stepdown.give(data, nobody)
    owners = {path.lstat().st_uid for path in (data, *data.rglob("*"))}
    assert owners == {65534}
    assert Path("/etc/passwd").stat().st_uid == 0
    (data / "base" / "2").touch()
    stepdown.give(data, nobody)  # the folder is theirs already: nothing is looked at
    assert (data / "base" / "2").stat().st_uid == 0


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that nobody may pass, unlike those of pytest."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def nobody_reaches_the_engine() -> bool:
    programs = engines.postgres_bin()
    assert programs is not None
    folders = [
        Folder(path=p, uid=p.stat().st_uid, gid=p.stat().st_gid, mode=p.stat().st_mode)
        for p in (programs / "postgres").resolve().parents
    ]
    return not blocking(folders, *stepdown.nobody())


def no_namespaces_work() -> bool:
    done = subprocess.run([*NO_NAMESPACES, "true"], cwd=running.ROOT, capture_output=True)
    return done.returncode == 0


@running.ROOT_ON_LINUX
def test_the_way_may_change_from_run_to_run(public_folder: Path) -> None:
    if not no_namespaces_work() or not nobody_reaches_the_engine():
        pytest.skip("no place without user namespaces can be made here, or nobody is shut out")
    data = public_folder / "db"
    owners: list[int] = []
    for prefix in ((), NO_NAMESPACES, ()):
        with running.postgres(data, prefix=prefix) as server:
            sql(server, "CREATE TABLE IF NOT EXISTS kept (run int)")
            sql(server, "INSERT INTO kept VALUES (1)")
            rows = sql(server, "SELECT count(*) FROM kept")
            postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
            assert postmaster.uids().effective == data.stat().st_uid
            owners.append(data.stat().st_uid)
            postmaster.send_signal(signal.SIGINT)
            server.process.wait(running.TIMEOUT_S)
    assert owners == [0, stepdown.nobody()[0], 0]
    assert rows == 3


@running.ROOT_ON_LINUX
def test_a_cluster_can_be_made_by_nobody(public_folder: Path) -> None:
    if not no_namespaces_work() or not nobody_reaches_the_engine():
        pytest.skip("no place without user namespaces can be made here, or nobody is shut out")
    data = public_folder / "db"
    with running.postgres(data, prefix=NO_NAMESPACES) as server:
        assert sql(server, "SELECT 1") == 1
        assert {path.stat().st_uid for path in data.rglob("*")} == {stepdown.nobody()[0]}


@running.ROOT_ON_LINUX
def test_nobody_who_is_shut_out_is_told_how_to_get_in(tmp_path: Path) -> None:
    if not no_namespaces_work():
        pytest.skip("no place without user namespaces can be made here")
    tmp_path.chmod(0o700)
    spec = running.spec_of(
        "db-postgres", [running.listener(free_port(), ProbeKind.POSTGRES)],
        stands_in=False, data=tmp_path / "db",
    )  # fmt: skip
    variables = {"POSTGRES_PASSWORD": running.ODD}
    code, lines = running.run_to_end(spec, variables, prefix=NO_NAMESPACES)
    assert code == 78
    assert len(lines) == 1 and "chmod o+x" in lines[0] and str(tmp_path) in lines[0]


@running.ROOT_ON_LINUX
def test_who_is_not_root_needs_no_step(tmp_path: Path) -> None:
    with running.postgres(tmp_path / "db", prefix=running.NOT_ROOT) as server:
        assert sql(server, "SELECT 1") == 1
