"""A checkout in a folder of its own, driven as a user does: by the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_S = 90


@dataclass(frozen=True)
class Checkout:
    """``root``: the folder in which commands are typed; ``environment``: besides the usual."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, **environment: str) -> Checkout:
        root.mkdir(parents=True, exist_ok=True)
        (root / "alfred.yaml").touch()
        return cls(root, environment)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "alfred_dev", *arguments]

    def variables(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TMPDIR")}
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        ours = {
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "ALFRED_RUNTIME": "process",  # also where a Docker engine answers
        }
        return {**kept, **ours, **self.environment, **more}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.variables(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def popen(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.variables(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ok(self, *arguments: str, **environment: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, (
            f"{arguments}: exit {done.returncode}\n{done.stderr}{done.stdout}"
        )
        assert "Traceback" not in done.stderr
        return done.stdout

    def json(
        self, *arguments: str, exit_code: int = 0, variables: Mapping[str, str] | None = None
    ) -> Any:
        """Run a command with --json; return its one document."""
        done = self.run(*arguments, "--json", **(variables or {}))
        assert done.returncode == exit_code, (
            f"{arguments}: {done.returncode}\n{done.stderr}{done.stdout}"
        )
        return json.loads(done.stdout)

    def status(self, name: str) -> Any:
        return next(s for s in self.json("status")["services"] if s["id"] == name)

    @property
    def secrets(self) -> dict[str, str]:
        text = (self.root / ".env").read_text()
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def pids(self) -> list[int]:
        """Processes that belong to this checkout, by their working directory or command line."""
        entries = (e for e in Path("/proc").iterdir() if e.name.isdigit())
        others = (e for e in entries if int(e.name) != os.getpid())
        return [int(e.name) for e in others if _belongs(e, str(self.root))]


def _belongs(entry: Path, root: str) -> bool:
    try:
        inside = str((entry / "cwd").readlink()).startswith(root + "/.alfred")
        return inside or root in (entry / "cmdline").read_text(errors="replace")
    except OSError:
        return False


def listening() -> dict[int, str]:
    """Ports that anybody listens on in this network namespace -> hex address."""
    found = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == "0A":
                host, port = address.split(":")
                found[int(port, 16)] = host
    return found


def plain(text: str) -> str:
    """Text without terminal escapes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
