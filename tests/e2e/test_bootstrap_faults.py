"""scripts/alfred-dev when something goes wrong, is killed, or runs twice at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.bootstrap import MADE, SHELLS, STOP, TIMEOUT_S, World


@pytest.fixture(params=SHELLS, ids=os.path.basename)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(tmp_path / "w", str(request.param))


def test_a_failed_installation_shows_its_last_lines_and_what_to_do(world: World) -> None:
    world.python(install="echo 1; echo 2; echo 3; echo 4; echo 5; echo no network >&2; exit 1")
    result = world.run("up")
    assert (result.returncode, result.stdout) == (3, "")
    assert world.said(result) == [
        MADE,
        "alfred-dev: the packages of requirements.lock could not be installed:",
        *(f"  | {line}" for line in ("2", "3", "4", "5", "no network")),
        "  fix: check the network (proxy: export HTTPS_PROXY=http://HOST:PORT), "
        "then type the same command again",
    ]
    world.python(install="true")
    shutil.copy(world.bin / "python3", world.venv / "bin" / "python")
    assert world.said(world.run()) == ["alfred-dev: installing requirements.lock into .venv"]


def test_an_index_that_answers_other_files_is_not_called_a_bad_network(world: World) -> None:
    said = "ERROR: In --require-hashes mode, all requirements must have their versions pinned"
    world.python(install=f"echo '{said}'; echo 'WARNING: a folder is ignored'; exit 1")
    assert world.said(world.run("up"))[-2:] == [
        f"  | {said}",
        "  fix: the package index answers what requirements.lock does not name: git pull, "
        "or ask an index of its originals",
    ]


def test_a_venv_that_cannot_be_made_is_made_by_the_next_run(world: World) -> None:
    world.program("python3", '[ "$2" = -c ] && echo "3.11.7 fits pip $0"')
    result = world.run()
    assert result.returncode == 3
    assert "alfred-dev: .venv could not be made:" in world.said(result)
    world.python()
    assert world.said(world.run()) == [
        "alfred-dev: an earlier run did not finish: making .venv with Python 3.11.7 (once)"
    ]


def test_a_python_that_an_upgrade_removed_is_replaced(world: World) -> None:
    world.python()
    world.run()
    (world.venv / "old").touch()
    (world.venv / "bin" / "python").unlink()
    (world.venv / "bin" / "python").symlink_to("/nowhere/python3.11")
    assert world.said(world.run()) == [
        "alfred-dev: its Python does not work any more: making .venv with Python 3.11.7 (once)"
    ]
    assert not (world.venv / "old").exists()


def test_an_environment_of_another_python_is_replaced_when_the_lock_changes(world: World) -> None:
    world.python()
    world.run()
    (world.venv / "lib" / "python3.11").rename(world.venv / "lib" / "python3.10")
    world.lock("one==2")
    assert "its Python does not work any more" in world.said(world.run())[0]


def test_an_environment_whose_installer_is_gone_is_made_anew(world: World) -> None:
    world.python(pip=False)
    world.uv()
    world.run()
    (world.bin / "uv").unlink()
    world.python("python3.12", "3.12.1")
    world.lock("one==2")
    assert world.said(world.run()) == [
        "alfred-dev: it has no pip, and there is no uv any more: "
        "making .venv with Python 3.12.1 (once)"
    ]


def test_an_environment_that_somebody_else_made_is_completed(world: World) -> None:
    world.python()
    world.run()
    for path in world.venv.glob("synced*"):
        path.unlink()
    assert world.said(world.run()) == ["alfred-dev: installing requirements.lock into .venv"]


def test_a_clone_that_cannot_be_written_is_an_error(world: World) -> None:
    world.python()
    world.venv.write_text("not a folder")
    result = world.run()
    assert result.returncode == 3
    assert world.said(result)[-1].startswith("  fix: ")


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stderr.close()


def test_a_run_killed_with_its_installer_is_repaired_by_the_next(world: World) -> None:
    world.pipes()
    world.python(install=STOP)
    process = world.start("up")
    world.wait_for_installer()
    os.killpg(process.pid, signal.SIGKILL)
    killed(process)
    world.python(install="true")
    result = world.run("x")
    assert world.said(result) == [
        "alfred-dev: an earlier run did not finish: making .venv with Python 3.11.7 (once)"
    ]
    assert result.stdout == "<x>\n"


def test_an_installer_that_outlives_its_script_is_waited_for(world: World) -> None:
    world.pipes()
    world.python(install=STOP)
    first = world.start("up")
    world.wait_for_installer()
    killed(first)
    world.python(install="true")
    second = world.start("x")
    assert second.stderr
    said = [second.stderr.readline()]
    world.let_installer_go()
    out, rest = second.communicate(timeout=TIMEOUT_S)
    assert out == "<x>\n"
    assert "waiting for an installer that outlived its script" in said[0]
    assert "an earlier run did not finish" in rest


def test_of_two_at_once_the_second_waits_and_installs_nothing(world: World) -> None:
    world.pipes()
    world.python(install=STOP)
    first = world.start("one")
    world.wait_for_installer()
    second = world.start("two")
    assert second.stderr
    waiting = second.stderr.readline()
    world.let_installer_go()
    results = [process.communicate(timeout=TIMEOUT_S)[0] for process in (first, second)]
    assert results == ["<one>\n", "<two>\n"]
    assert waiting == f"alfred-dev: waiting for process {first.pid}, which is making .venv\n"
    assert len(world.calls("pip install")) == 1


@pytest.mark.parametrize("holder", ["1 123", "999999999 5", "nonsense"])
def test_a_lock_whose_holder_is_gone_is_taken_over(world: World, holder: str) -> None:
    world.python()
    world.venv.mkdir()
    (world.venv / "lock").symlink_to(holder)
    assert world.run("x").stdout == "<x>\n"
    assert not (world.venv / "lock").is_symlink()


def test_of_several_that_find_such_a_lock_one_installs(world: World) -> None:
    world.python()
    world.venv.mkdir()
    (world.venv / "lock").symlink_to("1 123")
    several = [world.start("x") for _ in range(4)]
    assert [process.communicate(timeout=TIMEOUT_S)[0] for process in several] == ["<x>\n"] * 4
    assert len(world.calls("pip install")) == 1


def test_ctrl_c_while_installing_ends_with_130_and_gives_the_lock_back(world: World) -> None:
    world.pipes()
    world.python(install=STOP)
    process = world.start("up")
    world.wait_for_installer()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert not (world.venv / "lock").is_symlink()
    assert (world.venv / "syncing").exists()


def test_standard_input_is_left_to_the_command(world: World) -> None:
    world.python(install="cat")
    body = (world.bin / "python3").read_text().replace("exit 7", "cat")
    world.program("python3", body)
    result = subprocess.run(
        [world.bin / "sh", world.script], input="select 1", env=world.environment(),
        capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert result.stdout == "select 1"
