"""scripts/alfred-dev from nothing to a running command.

The quick tests run the real script in a world whose ``python3`` and ``uv`` are small fakes that
write down how they were called; the slow one installs the real packages.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import alfred_dev

CLONE = Path(alfred_dev.__file__).parents[1]
TIMEOUT_S = 60
# All that the scripts may use; where a machine lacks one of these it is not a Unix.
TOOLS = (
    "cat", "cmp", "cp", "dirname", "find", "ln", "mkdir", "mv", "readlink", "rm", "sed", "sleep",
    "tail",
)  # fmt: skip
SHELLS = [found for name in ("dash", "bash", "busybox") if (found := shutil.which(name))]

# A Python, as far as the scripts use one. "began" and "go" are pipes of tests that stop it there.
PYTHON = """#!/bin/sh
echo "{name} $*" | sed 's/ -c .*/ -c/' >>"{world}/calls"
case "$1 $2 $3" in
  "-I -c "*) echo "{version} {fits} {pip} $0" ;;
  "-I -m venv") {venv} ;;
  "-I -m pip")
    [ "$4" = install ] || exit {has_pip}
    {install} ;;
  "-I -m alfred_dev") shift 3; for argument in "$@"; do echo "<$argument>"; done; exit 7 ;;
esac
"""
VENV = """mkdir -p "$4/bin" "$4/lib/python{minor}/site-packages" && : >"$4/pyvenv.cfg" &&
    cp "{python}" "$4/bin/python" """
UV = """#!/bin/sh
echo "uv $*" >>"{world}/calls"
case $1 in
  venv) shift 3; set -- "$1" "$2" "$3" "$3"; {venv} ;;
  pip) {install} ;;
esac
"""
STOP = 'echo began >"{world}/began"; read -r _ <"{world}/go"; true'


@dataclass
class World:
    """A clone in a folder of its own, and a PATH with nothing but what a test puts there."""

    folder: Path
    shell: str
    clone: Path = field(init=False)
    bin: Path = field(init=False)

    def __post_init__(self) -> None:
        self.clone, self.bin = self.folder / "a clone, ä", self.folder / "bin"
        self.bin.mkdir(parents=True)
        shutil.copytree(CLONE / "scripts", self.clone / "scripts")
        self.lock("one==1")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"this machine has no {tool}"
            (self.bin / tool).symlink_to(found)
        (self.bin / "sh").symlink_to(self.shell)
        self.program("id", "echo 1000")
        self.program("uname", "echo Linux")

    @property
    def venv(self) -> Path:
        return self.clone / ".venv"

    @property
    def script(self) -> Path:
        return self.clone / "scripts" / "alfred-dev"

    def lock(self, text: str) -> None:
        (self.clone / "requirements.lock").write_text(text)
        (self.clone / "requirements-dev.lock").write_text(f"{text}\ndev==1")

    def program(self, name: str, body: str) -> Path:
        path = self.bin / name
        path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def python(
        self, name: str = "python3", version: str = "3.11.7", *, pip: bool = True, install: str = ""
    ) -> Path:
        minor = tuple(int(part) for part in version.split("."))[:2]
        venv = VENV.format(minor=".".join(str(part) for part in minor), python=self.bin / name)
        body = PYTHON.format(
            name=name, world=self.folder, version=version, venv=venv, has_pip=0 if pip else 1,
            fits="fits" if (3, 11) <= minor <= (3, 14) else "other", pip="pip" if pip else "bare",
            install=(install or "true").format(world=self.folder),
        )  # fmt: skip
        return self.program(name, body)

    def uv(self, brings: str = "python3", *, install: str = "true") -> None:
        venv = VENV.format(minor="3.11", python=self.bin / brings)
        self.program("uv", UV.format(world=self.folder, venv=venv, install=install))

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.folder)} | more

    def start(self, *arguments: str, script: Path | None = None) -> subprocess.Popen[str]:
        """Start the script with its output in pipes, in a process group of its own."""
        return subprocess.Popen(
            [self.bin / "sh", script or self.script, *arguments],
            env=self.environment(), cwd=self.folder, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, script: Path | None = None) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, script=script)
        out, err = process.communicate(timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def calls(self, pattern: str) -> list[str]:
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if re.search(pattern, line)]

    def said(self, result: subprocess.CompletedProcess[str]) -> list[str]:
        """What a run said on stderr, without the paths of this world."""
        return result.stderr.replace(str(self.bin), "BIN").splitlines()

    def pipes(self) -> None:
        os.mkfifo(self.folder / "began")
        os.mkfifo(self.folder / "go")

    def wait_for_installer(self) -> None:
        assert (self.folder / "began").read_text() == "began\n"

    def let_installer_go(self) -> None:
        (self.folder / "go").write_text("\n")


@pytest.fixture(params=SHELLS, ids=os.path.basename)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(tmp_path: Path, shell: str) -> World:
    return World(tmp_path / "w", shell)


MADE = "alfred-dev: making .venv with Python 3.11.7 (once)"
FIX_UV = "  fix: curl -LsSf https://astral.sh/uv/install.sh | sh"


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


# --- when it goes wrong ---------------------------------------------------------------------


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


# --- the real parts -------------------------------------------------------------------------


def test_the_question_to_python_is_understood_by_a_real_one(shell: str) -> None:
    code = '. "$root/scripts/environment.sh"; probe "$1" && echo "$version|$fits|$base_found"'
    answer = subprocess.run(
        [shell, *(["sh"] if shell.endswith("busybox") else []), "-c", code, "sh", sys.executable],
        env={"root": str(CLONE), "PATH": os.defpath}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    version, fits, base = answer.stdout.strip().split("|")
    assert (version, fits) == (".".join(str(n) for n in sys.version_info[:3]), "fits")
    assert Path(base).name == f"python3.{sys.version_info.minor}"


def pinned(name: str) -> dict[str, str]:
    """Return package -> version of a lock file."""
    lines = (CLONE / name).read_text().splitlines()
    matches = (re.match(r"([a-z0-9.-]+)==(\S+)", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


def test_the_lock_files_fit_pyproject_and_each_other() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    runtime, dev = pinned("requirements.lock"), pinned("requirements-dev.lock")
    wanted = [(runtime, line) for line in project["dependencies"]]
    wanted += [(dev, line) for line in project["optional-dependencies"]["dev"]]
    for lock, line in wanted:
        requirement = Requirement(line)
        version = lock[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        assert requirement.specifier.contains(version), f"{line}: locked at {version}"
    assert runtime.items() <= dev.items()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_files_name_no_place_and_hash_everything(name: str) -> None:
    text = (CLONE / name).read_text()
    assert not re.search(r"https?://|file:|--index|--find-links|@ ", text)
    packages = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in package for package in packages)


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
