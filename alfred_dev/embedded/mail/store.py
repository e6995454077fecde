"""Mails in SQLite. What ``add`` has returned for is on the disk.

One thread writes, and takes all that waits into one transaction: a disk that needs 5 ms to be
sure is then sure of ten mails at a time. Another reads.
"""

# ruff: noqa: S608 - conditions are made of words of ours (``search``); values are always bound

from __future__ import annotations

import asyncio
import json
import secrets
import shlex
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from alfred_dev.embedded.mail.letter import Letter
from alfred_dev.embedded.mail.search import EVERYTHING, Condition
from alfred_dev.embedded.refused import RefusedError

FILE = "mail.db"
VERSION = 1
MOST = 5000  # mails; the oldest go first
MOST_BYTES = 512 * 1024 * 1024
CHECKED_BYTES = 64 * 1024 * 1024  # a larger file is not read through at every start

T = TypeVar("T")
_SCHEMA = """
CREATE TABLE mails (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created REAL NOT NULL,
    size INTEGER NOT NULL, read INTEGER NOT NULL DEFAULT 0, attachments INTEGER NOT NULL,
    message_id TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, summary TEXT NOT NULL
);
CREATE TABLE sources (seq INTEGER PRIMARY KEY, recipients TEXT NOT NULL, raw BLOB NOT NULL);
"""


@dataclass(slots=True)
class Mail:
    """What comes in."""

    raw: bytes
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Some mails of those that a search found, and how many there are."""

    messages: list[dict[str, Any]]
    count: int
    total: int
    unread: int


class Store:
    """The mails of one folder. Raises RefusedError for a file that is not ours, or is broken."""

    def __init__(self, folder: Path, *, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self.path = folder / FILE
        self.most, self.most_bytes = most, most_bytes
        self.received = 0
        self.version = 0  # grows with every change
        self.changed = asyncio.Event()
        self._write = _opened(self.path)
        self._read = _opened(self.path)
        self._count, self._bytes = self._write.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM mails"
        ).fetchone()
        self._writer, self._reader = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._waiting: list[tuple[Mail, asyncio.Future[str]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def add(self, mail: Mail) -> str:
        """Keep a mail; return its id. Raises sqlite3.Error: it was not kept (disk full)."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((mail, future))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def find(self, condition: Condition, start: int, limit: int) -> Found:
        """Return mails, the newest first."""
        return await self._reading(lambda db: _find(db, condition, start, limit))

    async def get(self, wanted: str) -> tuple[dict[str, Any], Letter, bytes] | None:
        """Return one mail by its id or as ``latest``: its row, the letter, its source."""
        return await self._reading(lambda db: _get(db, wanted))

    async def mark(self, ids: Sequence[str], *, read: bool) -> None:
        """Mark mails; no ids are all."""
        which, values = _among(ids)
        await self._change(f"UPDATE mails SET read = {int(read)} WHERE {which}", values)

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete mails; no ids are all."""
        which, values = _among(ids)
        await self._change(f"DELETE FROM mails WHERE {which}", values)

    async def delete_found(self, condition: Condition) -> None:
        """Delete what a search finds."""
        await self._change(f"DELETE FROM mails WHERE {condition.sql}", condition.values)

    async def wait(self, known: int, timeout_s: float) -> int:
        """Return the version, as soon as it is not ``known`` any more."""
        if self.version == known:
            try:
                async with asyncio.timeout(timeout_s):
                    await self.changed.wait()
            except TimeoutError:
                pass
        return self.version

    def close(self) -> None:
        """Finish what is being written."""
        for pool in (self._writer, self._reader):
            pool.shutdown()
        for connection in (self._read, self._write):
            connection.close()

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            mails = [mail for mail, _ in batch]
            try:
                ids = await loop.run_in_executor(self._writer, self._store, mails)
            except Exception as error:  # noqa: BLE001 - each sender hears it
                outcome: list[str | Exception] = [error] * len(batch)
            else:
                outcome = list(ids)
            for (_, future), result in zip(batch, outcome, strict=True):
                if future.done():  # its connection has gone
                    continue
                if isinstance(result, str):
                    future.set_result(result)
                else:
                    future.set_exception(result)
            self._tell()

    def _store(self, mails: Sequence[Mail]) -> list[str]:
        with self._write:  # one transaction
            ids = [self._insert(mail) for mail in mails]
            count, size = self._count, self._bytes
            count, size = self._trim(count + len(mails), size + sum(len(m.raw) for m in mails))
        self._count, self._bytes = count, size
        self.received += len(mails)
        return ids

    def _insert(self, mail: Mail) -> str:
        letter = Letter(mail.raw, mail.recipients)
        summary, name = letter.summary(), secrets.token_hex(11)
        sender = summary["From"] or {"Name": "", "Address": ""}
        people = [p for field in ("To", "Cc", "Bcc") for p in summary[field]]
        cursor = self._write.execute(
            "INSERT INTO mails (id, created, size, attachments, message_id, sender, recipients,"
            " subject, body, summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name, time.time(), letter.size, summary["Attachments"], summary["MessageID"],
                f"{sender['Name']} {sender['Address']}",
                " ".join(f"{p['Name']} {p['Address']}" for p in people),
                summary["Subject"], letter.indexed(), json.dumps(summary),
            ),
        )  # fmt: skip
        self._write.execute(
            "INSERT INTO sources VALUES (?, ?, ?)",
            (cursor.lastrowid, json.dumps(mail.recipients), mail.raw),
        )
        return name

    def _trim(self, count: int, size: int) -> tuple[int, int]:
        """Delete the oldest until both bounds are kept; return what is left."""
        while count > self.most or (size > self.most_bytes and count > 1):
            row = self._write.execute("SELECT seq, size FROM mails ORDER BY seq LIMIT 1").fetchone()
            self._write.execute("DELETE FROM mails WHERE seq = ?", row[:1])
            self._write.execute("DELETE FROM sources WHERE seq = ?", row[:1])
            count, size = count - 1, size - row[1]
        return count, size

    async def _change(self, sql: str, values: Sequence[str]) -> None:
        def change() -> None:
            with self._write:
                self._write.execute(sql, values)
                self._write.execute("DELETE FROM sources WHERE seq NOT IN (SELECT seq FROM mails)")
            sums = "SELECT count(*), coalesce(sum(size), 0) FROM mails"
            self._count, self._bytes = self._write.execute(sums).fetchone()

        await asyncio.get_running_loop().run_in_executor(self._writer, change)
        self._tell()

    async def _reading(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, read, self._read)

    def _tell(self) -> None:
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise _refused(path, f"it is of version {version}, and this is version {VERSION}")
        connection.execute("PRAGMA synchronous = FULL")
        if path.stat().st_size < CHECKED_BYTES:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said != "ok":
                raise _refused(path, said)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise _refused(path, str(error)) from error
    return connection


def _refused(path: Path, cause: str) -> RefusedError:
    old = shlex.quote(str(path))
    return RefusedError(
        "mail-store-broken",
        "the mail server does not touch its mails",
        cause=f"{path} cannot be read: {cause}",
        fix=[f"mv {old} {shlex.quote(f'{path}.broken')}", "alfred-dev up mail-server"],
    )


def _among(ids: Sequence[str]) -> tuple[str, Sequence[str]]:
    return (f"id IN ({', '.join('?' * len(ids))})", ids) if ids else ("1", ())


_COLUMNS = "id, created, read, summary"


def _row(row: Sequence[Any]) -> dict[str, Any]:
    created = datetime.fromtimestamp(row[1], UTC).isoformat(timespec="milliseconds")
    return {"ID": row[0], "Created": created, "Read": bool(row[2]), **json.loads(row[3])}


def _find(db: sqlite3.Connection, which: Condition, start: int, limit: int) -> Found:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM mails WHERE {which.sql} ORDER BY seq DESC LIMIT ? OFFSET ?",
        (*which.values, limit, start),
    ).fetchall()
    total, unread = db.execute("SELECT count(*), sum(read = 0) FROM mails").fetchone()
    count = total
    if which is not EVERYTHING:
        counting = f"SELECT count(*) FROM mails WHERE {which.sql}"
        count = db.execute(counting, which.values).fetchone()[0]
    return Found([_row(row) for row in rows], count, total, unread or 0)


def _get(db: sqlite3.Connection, wanted: str) -> tuple[dict[str, Any], Letter, bytes] | None:
    which, values = ("1", ()) if wanted == "latest" else ("id = ?", (wanted,))
    row = db.execute(
        f"SELECT {_COLUMNS}, s.recipients, s.raw FROM mails JOIN sources AS s USING (seq)"
        f" WHERE {which} ORDER BY seq DESC LIMIT 1",
        values,
    ).fetchone()
    if row is None:
        return None
    return _row(row), Letter(row[5], tuple(json.loads(row[4]))), row[5]
