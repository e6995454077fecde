"""The edge: reads what lies beside a compose file, each file once, none of them too large."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from alfred_dev.lint.tree import MAX_BYTES

MAX_ENTRIES = 20_000
MAX_FOLDERS = 4_000
SKIPPED = {
    "node_modules", ".git", ".venv", "venv", "vendor", "__pycache__", ".tox", "site-packages",
    ".alfred", ".terraform", ".next", ".cache",
}  # fmt: skip


class Files(Protocol):
    """Paths are strings, as the user sees them. None of the methods raises."""

    def read(self, path: str) -> str | None:
        """Return the text, or None when it cannot be read."""

    def kind(self, path: str) -> str | None:
        """Return ``file``, ``dir`` or None."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted."""

    def walk(self, folder: str) -> Iterator[str]:
        """Yield every folder from ``folder`` down, but those of other people's code."""


class Disk:
    """The real files."""

    def __init__(self) -> None:
        self._texts: dict[str, str | None] = {}
        self._kinds: dict[str, str | None] = {}

    def read(self, path: str) -> str | None:
        """Return the text; undecodable bytes are replaced."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        try:
            if not Path(path).is_file():  # a FIFO or a device would block
                return None
            with Path(path).open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except (OSError, ValueError):
            return None
        return data.decode("utf-8-sig", errors="replace")

    def kind(self, path: str) -> str | None:
        """Return what stands at ``path``."""
        if path not in self._kinds:
            try:
                found = Path(path)
                self._kinds[path] = "dir" if found.is_dir() else "file" if found.exists() else None
            except (OSError, ValueError):
                self._kinds[path] = None
        return self._kinds[path]

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder; nothing when it cannot be listed."""
        try:
            with os.scandir(folder or ".") as entries:
                return tuple(sorted(e.name for _, e in zip(range(MAX_ENTRIES), entries)))  # noqa: B905 - the shorter one ends it
        except (OSError, ValueError):
            return ()

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the folders in order; links are not followed."""
        for number, (here, folders, _) in enumerate(os.walk(folder or ".")):
            if number >= MAX_FOLDERS:
                return
            folders[:] = sorted(f for f in folders if f not in SKIPPED)
            yield os.path.normpath(here)


def join(folder: str, path: str) -> str:
    """Return ``path`` as seen from ``folder``, without detours."""
    try:
        expanded = os.path.expanduser(path) if path.startswith("~") else path  # noqa: PTH111
        return os.path.normpath(os.path.join(folder, expanded))  # noqa: PTH118 - text in, text out
    except ValueError:
        return path


def named(folder: str) -> str:
    """Return the folder's own name, as Compose takes it for the project."""
    return os.path.basename(os.path.abspath(folder or "."))  # noqa: PTH100, PTH119


def parent(path: str) -> str:
    """Return the folder of ``path``."""
    return os.path.dirname(path)  # noqa: PTH120 - text in, text out
