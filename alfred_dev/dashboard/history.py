"""What was seen before, in SQLite: over a restart, and never more than a few megabytes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

KEPT_S = 6 * 3600
_TABLE = """
CREATE TABLE IF NOT EXISTS samples (
  at INTEGER, service TEXT, health TEXT, latency REAL, rate REAL, p95 REAL, memory INTEGER, cpu REAL
);
CREATE INDEX IF NOT EXISTS by_time ON samples (at);
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One service at one moment. ``latency``, ``p95``: milliseconds; ``at``: epoch seconds."""

    at: int
    service: str
    health: str
    latency: float | None
    rate: float | None
    p95: float | None
    memory: int | None
    cpu: float | None


class History:
    """The samples of one checkout. A file that is broken is begun anew: it is no treasure."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self._make()
        except sqlite3.DatabaseError:
            file.unlink(missing_ok=True)
            self._make()

    def _make(self) -> None:
        if not self.file.exists():
            self.file.touch(mode=0o600)
        with self._open() as database:
            database.executescript(_TABLE)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.file, timeout=2)
        try:
            database.execute("PRAGMA synchronous = OFF")
            with database:
                yield database
        finally:
            database.close()

    def add(self, samples: Iterable[Sample], now: float) -> None:
        """Keep samples, and forget what is too old."""
        with self._open() as database:
            rows = [astuple(sample) for sample in samples]
            database.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            database.execute("DELETE FROM samples WHERE at < ?", (int(now) - KEPT_S,))

    def since(self, at: float) -> list[Sample]:
        """Return the samples from ``at`` on, the oldest first."""
        with self._open() as database:
            found = database.execute("SELECT * FROM samples WHERE at >= ? ORDER BY at", (int(at),))
            return [Sample(*row) for row in found]
