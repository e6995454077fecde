"""One checkout with everything up, in a network namespace of its own, and ways to break it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120
FIX_TIMEOUT_S = 100
ENGINE = ("DOCKER_HOST",)
Undo = Callable[[], object]


@dataclass
class World:
    """``environment``: what the user's shell has besides the usual; faults may add to it."""

    root: Path
    runtime: str = "process"
    environment: dict[str, str] = field(default_factory=dict)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def alfred(self) -> Path:
        return self.root / ".alfred"

    def variables(self) -> dict[str, str]:
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        programs = self.root.parent / "bin"
        if not programs.exists():  # the command as the user types it, of this very code
            programs.mkdir()
            command = programs / "alfred-dev"
            command.write_text(f'#!/bin/sh\nexec {sys.executable} -m alfred_dev "$@"\n')
            command.chmod(0o755)
        path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
        return {
            "PATH": path,
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "ALFRED_RUNTIME": self.runtime,
            # While two faults are there no command of one waits long for what the other broke.
            "ALFRED_WAIT_TIMEOUT": "40",
            **{k: v for k, v in os.environ.items() if k in ENGINE},
            **self.environment,
        }

    def run(self, *arguments: str, timeout: float = TIMEOUT_S) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alfred_dev", *arguments],
            cwd=self.root,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def shell(self, lines: list[str]) -> str:
        """Type lines into the user's shell; what they do to its variables stays done."""
        mark = "ENVIRONMENT-OF-THE-SHELL"
        script = "\n".join([*lines, f"echo {mark}; env -0"])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.root,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FIX_TIMEOUT_S,
        )
        said, _, left = done.stdout.rpartition(f"{mark}\n")
        kept = dict(line.split("=", 1) for line in left.split("\0") if "=" in line)
        usual = (
            "PATH",
            "HOME",
            "LANG",
            "PYTHONPATH",
            "ALFRED_RUNTIME",
            "PWD",
            "OLDPWD",
            "SHLVL",
            "_",
        )
        if left:
            self.environment = {k: v for k, v in kept.items() if k not in usual}
        return said + done.stderr

    def doctor(self, *arguments: str) -> dict[str, Any]:
        done = self.run("doctor", *arguments, "--json")
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            return {"ok": False, "findings": [], "checks": [], "said": done.stderr + done.stdout}

    def healthy(self) -> bool:
        return self.run("status", "--exit-code").returncode == 0

    def services(self) -> dict[str, dict[str, Any]]:
        done = self.run("status", "--json")
        return {s["id"]: s for s in json.loads(done.stdout)["services"]}

    def pid(self, service: str) -> int:
        return int(self.services()[service]["pid"])

    def secret(self, key: str) -> str:
        for line in (self.root / ".env").read_text().splitlines():
            if line.startswith(f"{key}="):
                return line.partition("=")[2]
        raise KeyError(key)

    # Ways to break it. Each returns what undoes it.

    def edit(self, name: str, change: Callable[[str], str]) -> Undo:
        """Rewrite a file of the project; a missing one counts as empty."""
        path = self.root / name
        old = path.read_bytes() if path.exists() else None
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        path.write_text(change((old or b"").decode()))
        path.chmod(mode)

        def undo() -> None:
            if old is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(old)
                path.chmod(mode)

        return undo

    def variable(self, key: str, value: str) -> Undo:
        self.environment[key] = value
        return lambda: self.environment.pop(key, None)

    def move(self, name: str) -> Undo:
        path, away = self.root / name, self.root.parent / f"away-{Path(name).name}"
        path.rename(away)

        def undo() -> None:
            if away.exists():
                if path.is_dir():
                    subprocess.run(["rm", "-rf", path], check=True)
                away.replace(path)

        return undo

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)

    def spawn(self, *command: str, wait_port: int | None = None) -> Undo:
        """Start a program of somebody else."""
        child = subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.children.append(child)
        if wait_port:
            until(lambda: wait_port in listening(), 5)

        def undo() -> None:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

        return undo

    def squat(self, service: str, port: int, program: str) -> Undo:
        """Stop a service of ours and have a stranger run ``program`` (Python) on its port."""
        self.run("stop", service)
        undo = self.spawn(sys.executable, "-c", program, wait_port=port)

        def both() -> None:
            undo()
            self.run("start", service, "--wait-timeout", "20")

        return both

    def restore(self) -> bool:
        """Bring everything back, whatever is left of it; say whether that worked."""
        self.environment.clear()
        self.run("up", "--wait-timeout", "30")
        if self.healthy():
            return True
        with suppress(subprocess.TimeoutExpired):  # it may type several commands that wait
            self.run("doctor", "--fix", "--yes")
        self.run("down")
        self.run("up")
        return self.healthy()


def listening() -> set[int]:
    """Return the ports that anybody listens on here."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.add(int(fields[1].rpartition(":")[2], 16))
    return found


def until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; say whether it came so."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def world(folder: Path, runtime: str = "process") -> Iterator[World]:
    """Yield a checkout with everything up; ends all of it."""
    made = World(folder / "project", runtime)
    made.root.mkdir(parents=True)
    (made.root / "alfred.yaml").write_text("# a project\n")
    done = made.run("up")
    if done.returncode != 0:
        raise SystemExit(f"the stack does not start:\n{done.stderr}{done.stdout}")
    try:
        yield made
    finally:
        made.environment.clear()
        made.run("down")
        for child in made.children:
            if child.poll() is None:
                child.kill()
                child.wait()
