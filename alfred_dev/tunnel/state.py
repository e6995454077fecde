"""``.alfred/tunnels.json``: every tunnel of a checkout, written by several processes in turn."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from alfred_dev.host import processes
from alfred_dev.tunnel.model import Record, State, TunnelSpec
from alfred_dev.workspace import make_private_folder, write

FILE, LOCK = "tunnels.json", "tunnels.lock"
SCHEMA = "alfred-dev/tunnels/v1"
GRACE_S = 3.0
# How long a tunnel may be opening before nobody believes it any more.
OPENING_S = 30.0


def read(home: Path) -> dict[str, Record]:
    """Return every tunnel that is written down, by name; torn or foreign entries are left out."""
    try:
        rows = json.loads((home / FILE).read_text())["tunnels"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    found = {}
    for row in rows if isinstance(rows, list) else ():
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            record = Record.from_data(row)
            found[record.name] = record
    return found


def alive(record: Record) -> bool:
    """Tell whether the process behind a tunnel runs."""
    return bool(record.pid) and processes.alive(record.pid, record.identity)


def live(home: Path, now: float) -> dict[str, Record]:
    """Return the tunnels that are there: their process runs and their time is not over."""
    records = read(home)
    return {
        name: record
        for name, record in records.items()
        if record.state is not State.FAILED
        and now < record.expires_at
        and (alive(record) or _young(record, now))
    }


def _young(record: Record, now: float) -> bool:
    """Tell whether a tunnel has just been written down, so that its process may yet come."""
    opening = record.state is State.OPENING and not record.pid
    return opening and abs(now - record.opened_at) < OPENING_S


def update(home: Path, change: Callable[[dict[str, Record]], None]) -> dict[str, Record]:
    """Change the file under its lock; return what it says now. Raises MachineError."""
    make_private_folder(home)
    with _locked(home):
        records = read(home)
        change(records)
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "tunnels": [asdict(r) for r in records.values()],
        }
        write(home / FILE, (json.dumps(document, indent=1) + "\n").encode())
    return records


def put(home: Path, record: Record) -> None:
    """Write one tunnel down."""
    update(home, lambda records: records.update({record.name: record}))


def of(home: Path, spec: TunnelSpec) -> Record | None:
    """Return what is written of this very opening; None once it is closed, or opened anew."""
    found = read(home).get(spec.name)
    return found if found is not None and found.spec == spec.to_json() else None


def amend(home: Path, spec: TunnelSpec, **changes: Any) -> None:
    """Change fields of a tunnel, where this opening of it is still written down."""
    text = spec.to_json()

    def change(records: dict[str, Record]) -> None:
        found = records.get(spec.name)
        if found is not None and found.spec == text:
            records[spec.name] = replace(found, **changes)

    if of(home, spec) is not None:
        update(home, change)


def forget(home: Path, spec: TunnelSpec) -> None:
    """Forget this opening of a tunnel, unless it failed: why is for who opened it to read."""
    text = spec.to_json()

    def change(records: dict[str, Record]) -> None:
        found = records.get(spec.name)
        if found is not None and found.spec == text and found.state is not State.FAILED:
            del records[spec.name]

    if of(home, spec) is not None:
        update(home, change)


def drop(home: Path, name: str) -> None:
    """Forget a tunnel."""

    def change(records: dict[str, Record]) -> None:
        records.pop(name, None)

    if name in read(home):
        update(home, change)


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(home / LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(home: Path, now: float) -> list[str]:
    """End what killed tunnels left behind, and forget them. Returns their names."""
    known = read(home)
    gone = [r for name, r in known.items() if name not in live(home, now)]
    for record in gone:
        end(record)
        drop(home, record.name)
    return [record.name for record in gone]


def end(record: Record) -> None:
    """End the process behind a tunnel and what it started; returns when all is gone."""
    if record.pid:
        processes.kill_tree(record.pid, record.identity, grace_s=GRACE_S)
    for pid, identity in children(record.children):
        processes.kill_tree(pid, identity, grace_s=0.5)


def end_all(home: Path) -> list[str]:
    """End every tunnel of a checkout. Returns their names."""
    records = read(home)
    for record in records.values():
        drop(home, record.name)  # first: what a supervisor starts again ends itself
    for record in records.values():
        end(record)
    return list(records)


def children(noted: Mapping[str, str]) -> list[tuple[int, str]]:
    """Return process ids with their identities."""
    return [(int(pid), identity) for pid, identity in noted.items() if pid.isdecimal()]


def wait(home: Path, name: str, *, timeout_s: float, poll_s: float = 0.02) -> Record | None:
    """Wait until a tunnel is open or has failed. None: it is gone; else its last record."""
    deadline = time.monotonic() + timeout_s
    while True:
        record = read(home).get(name)
        settled = record is None or record.state is not State.OPENING
        if settled or time.monotonic() > deadline:
            return record
        time.sleep(poll_s)
