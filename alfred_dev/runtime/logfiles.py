"""The log files that supervisord writes and rotates, read whole or followed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

POLL_S = 0.2
BACKUPS = 2


def read_all(folder: Path, services: Sequence[str]) -> dict[str, str]:
    """Return everything each service has logged, rotated files first."""
    return {name: "".join(_read(path) for path in _files(folder, name)) for name in services}


def _files(folder: Path, name: str) -> list[Path]:
    rotated = [folder / f"{name}.log.{n}" for n in range(BACKUPS, 0, -1)]
    return [*rotated, folder / f"{name}.log"]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


class Follower:
    """Yields the new whole lines of each service, for ever; survives rotation.

    What was written before it was made is not its business.
    """

    def __init__(self, folder: Path, services: Sequence[str]) -> None:
        self._readers = [_Reader(folder / f"{name}.log", name) for name in services]

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        while True:
            new = {reader.name: text for reader in self._readers if (text := reader.new())}
            yield new
            if not new:
                time.sleep(POLL_S)


class _Reader:
    """Reads what was appended to one file; begins at its end."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.rest = b""
        try:
            stat = path.stat()
            self.inode, self.position = stat.st_ino, stat.st_size
        except FileNotFoundError:
            self.inode, self.position = 0, 0

    def new(self) -> str:
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_ino != self.inode or stat.st_size < self.position:
                    self.inode, self.position = stat.st_ino, 0
                file.seek(self.position)
                data = file.read()
        except FileNotFoundError:
            return ""
        self.position += len(data)
        whole, newline, self.rest = (self.rest + data).rpartition(b"\n")
        return (whole + newline).decode(errors="replace")
