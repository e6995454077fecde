"""A world for scripts/alfred-dev: a clone, and a PATH with only what a test puts there.

``python3`` and ``uv`` are small fakes that write down how they were called.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import alfred_dev

CLONE = Path(alfred_dev.__file__).parents[1]
TIMEOUT_S = 60
# All that the scripts may use; where a machine lacks one of these it is not a Unix.
TOOLS = (
    "cat", "cmp", "cp", "dirname", "find", "ln", "mkdir", "mv", "readlink", "rm", "sed", "sleep",
    "tail", "grep",
)  # fmt: skip


def takes_programs_from_path(shell: str) -> bool:
    """Tell whether a stub on PATH is used: some builds of busybox prefer their own applets."""
    with tempfile.TemporaryDirectory() as folder:
        stub = Path(folder, "id")
        stub.write_text("#!/bin/sh\necho stub\n")
        stub.chmod(0o755)
        command = [shell, "sh"] if Path(shell).name == "busybox" else [shell]
        done = subprocess.run(
            [*command, "-c", "id"], env={"PATH": folder}, capture_output=True, text=True
        )
    return done.stdout == "stub\n"


KNOWN_SHELLS = [found for name in ("dash", "bash", "busybox") if (found := shutil.which(name))]
SHELLS = [shell for shell in KNOWN_SHELLS if takes_programs_from_path(shell)]

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


MADE = "alfred-dev: making .venv with Python 3.11.7 (once)"
FIX_UV = "  fix: curl -LsSf https://astral.sh/uv/install.sh | sh"
