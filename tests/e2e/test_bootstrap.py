"""scripts/alfred-dev from nothing to a running command, among fakes and with real packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import alfred_dev
from tests.e2e.bootstrap import CLONE, FIX_UV, MADE, SHELLS, World


@pytest.fixture(params=SHELLS, ids=os.path.basename)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(tmp_path / "w", str(request.param))


def test_a_first_run_makes_the_environment_and_becomes_the_command(world: World) -> None:
    world.python()
    result = world.run("run", "--", "a b", "*", "")
    assert result.stdout.splitlines() == ["<run>", "<-->", "<a b>", "<*>", "<>"]
    assert (result.returncode, world.said(result)) == (7, [MADE])
    (install,) = world.calls("pip install")
    assert "--only-binary :all: --require-hashes" in install
    assert (world.venv / "synced.lock").read_text() == "one==1"
    assert not (world.venv / "synced-dev.lock").exists()
    assert not (world.venv / "syncing").exists()
    assert not (world.venv / "lock").is_symlink()


def test_the_clone_is_on_the_path_wherever_it_is_moved(world: World) -> None:
    world.python()
    world.run()
    site = world.venv / "lib" / "python3.11" / "site-packages"
    assert (site / (site / "alfred_dev.pth").read_text().strip()).resolve() == world.clone
    world.clone = world.clone.rename(world.folder / "elsewhere")
    assert world.said(world.run("up")) == []


def test_the_next_run_calls_nothing_but_the_command(world: World) -> None:
    world.python()
    world.run()
    (world.folder / "calls").unlink()
    assert world.said(world.run("status")) == []
    assert world.calls("") == ["python3 -I -m alfred_dev status"]


def test_a_changed_lock_is_installed_into_the_same_environment(world: World) -> None:
    world.python()
    world.run()
    world.lock("one==2")
    assert world.said(world.run()) == ["alfred-dev: requirements.lock changed: updating .venv"]
    assert (world.venv / "synced.lock").read_text() == "one==2"
    assert len(world.calls("-m venv")) == 1
    assert len(world.calls("pip install")) == 2


def test_the_command_of_an_activated_environment_is_this_script(world: World) -> None:
    world.python()
    world.run()
    result = world.run("x", script=world.venv / "bin" / "alfred-dev")
    assert (result.stdout, result.stderr) == ("<x>\n", "")


def test_it_may_be_called_through_links_to_links(world: World) -> None:
    world.python()
    first, second = world.folder / "links" / "first", world.folder / "second"
    first.parent.mkdir()
    first.symlink_to(world.script)
    second.symlink_to("links/first")
    assert world.run("x", script=second).stdout == "<x>\n"


def test_it_may_be_called_from_its_own_folder_without_a_path(world: World) -> None:
    world.python()
    result = subprocess.run(
        [world.bin / "sh", "alfred-dev", "x"], cwd=world.script.parent,
        env=world.environment(CDPATH=str(world.folder)), capture_output=True, text=True,
    )  # fmt: skip
    assert result.stdout == "<x>\n"


def test_a_developers_environment_serves_the_command_too(world: World) -> None:
    world.python()
    result = world.run(script=world.clone / "scripts" / "golden")
    assert world.said(result) == [MADE]
    assert world.calls("tests.golden") == ["python3 -m tests.golden.update"]
    assert (world.venv / "synced-dev.lock").read_text() == "one==1\ndev==1"
    assert world.said(world.run("up")) == []


def test_the_command_then_a_developers_script_install_twice(world: World) -> None:
    world.python()
    world.run()
    result = world.run(script=world.clone / "scripts" / "golden")
    assert world.said(result) == ["alfred-dev: installing requirements-dev.lock into .venv"]
    assert len(world.calls("-m venv")) == 1


# --- which Python, or what to type ----------------------------------------------------------


def refused(world: World) -> list[str]:
    """Run; it must exit 3 and have written nothing."""
    result = world.run("up")
    assert (result.returncode, result.stdout) == (3, "")
    assert not world.venv.exists()
    return world.said(result)


def test_no_python_at_all(world: World) -> None:
    assert refused(world) == [
        "alfred-dev: needs Python 3.11 to 3.14, or uv; found neither",
        FIX_UV,
    ]


def test_only_an_old_python(world: World) -> None:
    world.python(version="3.9.6")
    assert refused(world) == [
        "alfred-dev: needs Python 3.11 to 3.14, or uv; found Python 3.9.6 (BIN/python3)",
        FIX_UV,
    ]


def test_a_python_newer_than_the_lock_is_not_taken(world: World) -> None:
    world.python(version="3.15.0")
    assert "found Python 3.15.0 (BIN/python3)" in refused(world)[0]


def test_the_command_of_debian_is_that_of_a_python_it_has(world: World) -> None:
    world.python(version="3.10.12")
    world.program("apt-cache", '[ "$2" = python3.11-venv ]')
    assert refused(world)[1] == "  fix: sudo apt install python3.11-venv"


def test_a_debian_without_any_is_told_of_uv(world: World) -> None:
    world.program("apt-cache", "exit 100")
    assert refused(world)[1] == FIX_UV


def test_root_needs_no_sudo(world: World) -> None:
    world.program("id", "echo 0")
    world.program("apt-cache", "true")
    assert refused(world)[1] == "  fix: apt install python3.13-venv"


def test_the_command_of_fedora_and_of_red_hat(world: World) -> None:
    world.program("dnf", "true")
    assert refused(world)[1] == "  fix: sudo dnf install python3"
    world.python(version="3.9.18")
    assert refused(world)[1] == "  fix: sudo dnf install python3.12"


def test_the_command_of_macos_with_homebrew_and_without(world: World) -> None:
    world.program("uname", "echo Darwin")
    world.python(version="3.9.6")
    assert refused(world)[1] == FIX_UV
    world.program("brew", "true")
    assert refused(world)[1] == "  fix: brew install python@3.13"


def test_a_newer_python_beside_an_old_python3(world: World) -> None:
    world.python(version="3.10.12")
    world.python("python3.12", "3.12.3")
    assert world.said(world.run()) == ["alfred-dev: making .venv with Python 3.12.3 (once)"]


def test_a_shim_that_does_not_run_is_passed_over(world: World) -> None:
    world.program("python3", "echo not found; exit 127")
    world.python("python3.13", "3.13.1")
    assert world.said(world.run()) == ["alfred-dev: making .venv with Python 3.13.1 (once)"]


def test_a_python_without_venv_is_told_apart(world: World) -> None:
    world.python(version="3.11.2", pip=False)
    assert refused(world) == [
        "alfred-dev: Python 3.11.2 (BIN/python3) has no venv module",
        FIX_UV,
    ]


def test_debians_own_python_without_venv_needs_one_package(world: World) -> None:
    world.program("apt-get", "true")
    world.program("python3", 'echo "3.12.3 fits bare /usr/bin/python3.12"')
    assert refused(world) == [
        "alfred-dev: Python 3.12.3 (/usr/bin/python3.12) has no venv module",
        "  fix: sudo apt install python3.12-venv",
    ]


def test_a_python_without_venv_is_enough_for_uv(world: World) -> None:
    python = world.python(pip=False)
    world.uv()
    assert world.said(world.run()) == [MADE]
    assert world.calls("uv venv") == [
        f"uv venv --quiet --allow-existing --python {python} {world.venv}"
    ]
    assert len(world.calls("^uv pip install --compile-bytecode")) == 1
    assert world.calls("-m venv") == world.calls("-m pip") == []


def test_uv_brings_a_python_where_there_is_only_an_old_one(world: World) -> None:
    world.python(version="3.10.12")
    world.python("hidden", "3.13.1")
    world.uv(brings="hidden")
    assert world.said(world.run()) == [
        "alfred-dev: making .venv with a Python that uv finds or fetches (once)"
    ]
    assert "--python >=3.11,<3.15" in world.calls("uv venv")[0]


def test_uv_is_found_where_its_installer_puts_it(world: World) -> None:
    world.python("hidden")
    world.uv(brings="hidden")
    home = world.folder / ".local" / "bin"
    home.mkdir(parents=True)
    (world.bin / "uv").rename(home / "uv")
    assert world.run("x").stdout == "<x>\n"


# --- the real parts -------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS, ids=os.path.basename)
def test_the_question_to_python_is_understood_by_a_real_one(shell: str) -> None:
    code = '. "$root/scripts/environment.sh"; probe "$1" && echo "$version|$fits|$base_found"'
    answer = subprocess.run(
        [shell, *(["sh"] if shell.endswith("busybox") else []), "-c", code, "sh", sys.executable],
        env={"root": str(CLONE), "PATH": os.defpath}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    version, fits, base = answer.stdout.strip().split("|")
    assert (version, fits) == (".".join(str(n) for n in sys.version_info[:3]), "fits")
    assert Path(base).name == f"python3.{sys.version_info.minor}"


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Iterator[Path]:
    """Copy what git would give a new developer, into a folder with an awkward name."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=CLONE, capture_output=True, check=True).stdout
    clone = tmp_path / "frischer Klon, ü"
    for name in names.decode().rstrip("\0").split("\0"):
        if (CLONE / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CLONE / name, clone / name)
    yield clone
    shutil.rmtree(clone, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_fresh_clone_answers(fresh_clone: Path, tmp_path: Path, installer: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    if installer == "uv":
        found = shutil.which("uv")
        if found is None:
            pytest.skip("no uv on this machine")
        (folder / "uv").symlink_to(found)
    # Its own HOME has no ~/.local/bin/uv; the settings of pip and uv are the developer's.
    path = f"{folder}:/usr/bin:/bin"
    home = Path.home()
    cache = os.environ.get("XDG_CACHE_HOME", str(home / ".cache"))
    environment = os.environ | {"PATH": path, "HOME": str(tmp_path), "XDG_CACHE_HOME": cache}
    for variable, file in (
        ("PIP_CONFIG_FILE", home / ".config" / "pip" / "pip.conf"),
        ("UV_CONFIG_FILE", home / ".config" / "uv" / "uv.toml"),
    ):
        if file.exists():
            environment[variable] = str(file)

    def version() -> tuple[str, list[str]]:
        command = [str(fresh_clone / "scripts" / "alfred-dev"), "--version"]
        answer = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return answer.stdout, answer.stderr.splitlines()

    out, said = version()
    assert alfred_dev.__version__ in out
    assert len(said) == 1
    assert said[0].startswith("alfred-dev: making .venv with Python 3.")
    assert version() == (out, [])
    fresh_clone = fresh_clone.rename(fresh_clone.with_name("moved"))
    assert version() == (out, [])
