"""The machine as places and ways look at it: folders, programs, and what those answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What a program answered: exit code, and both of its outputs together."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.code == 0


def ask(argv: Sequence[str]) -> Said:
    """Run a program that only looks. A program that is not there, or hangs, is an answer too."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Said(127, str(error))
    return Said(done.returncode, done.stdout.decode(errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """``root``: where the file system begins, ``/`` but in tests; ``which``: name -> path."""

    root: Path = Path("/")
    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    platform: str = sys.platform
    which: Callable[[str], str | None] = shutil.which
    ask: Callable[[Sequence[str]], Said] = ask

    def path(self, absolute: str) -> Path:
        """Return a path of the system."""
        return self.root / absolute.lstrip("/")

    @property
    def is_wsl(self) -> bool:
        """Whether this is Linux inside Windows, with the programs of Windows at hand."""
        return self.platform == "linux" and "WSL_DISTRO_NAME" in self.environment

    def packages(self, debian: str, fedora: str, brew: str = "") -> str:
        """Return the command that installs a package here; nothing when we do not know it."""
        known = {"apt-get": f"sudo apt-get install {debian}", "dnf": f"sudo dnf install {fedora}"}
        if brew:
            known["brew"] = f"brew install {brew}"
        return next((command for tool, command in known.items() if self.which(tool)), "")


def missing_folders(path: Path) -> tuple[str, ...]:
    """Return the folders above ``path`` that do not exist, the innermost first."""
    return tuple(str(folder) for folder in path.parents if not folder.exists())
