"""The ledger: what is different on this machine, outside of any project, because of us.

A change is written down before it is made, with all that undoing it takes. One locked file a
user. A change is shared by checkouts, each of which wants something of it (its names, in the
hosts file); who undoes a change asks first whether anybody else wants it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alfred_dev.errors import AlfredError
from alfred_dev.workspace import make_private_folder, read_bytes, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change. ``kind``: who can undo it; ``target``: what is changed, a path as a rule.

    ``data``: what undoing takes; ``wants``: root of a checkout -> what it wants of this change.
    """

    kind: str
    target: str
    data: Mapping[str, str] = field(default_factory=dict)
    wants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Two changes of one key are the same change."""
        return f"{self.kind} {self.target}"

    @property
    def all_wants(self) -> tuple[str, ...]:
        """Return what the checkouts want, together; each thing once, in a fixed order."""
        return tuple(dict.fromkeys(want for wants in self.wants.values() for want in wants))


@dataclass(frozen=True, slots=True)
class Ledger:
    """The file of this user."""

    file: Path

    def entries(self) -> tuple[Entry, ...]:
        """Return every change, the oldest first. Raises AlfredError for a damaged ledger."""
        data = read_bytes(self.file)
        if data is None:
            return ()
        try:
            return tuple(_entry(row) for row in json.loads(data)["changes"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AlfredError(
                "ledger-damaged",
                "the ledger of changes cannot be read",
                cause=f"{self.file}: {error}",
                fix=[f"mv '{self.file}' '{self.file}.damaged'", "alfred-dev setup"],
                where=str(self.file),
            ) from error

    def find(self, kind: str, target: str) -> Entry | None:
        """Return one change, None when it was never made."""
        wanted = Entry(kind=kind, target=target).key
        return next((entry for entry in self.entries() if entry.key == wanted), None)

    def begin(
        self,
        kind: str,
        target: str,
        root: Path,
        *,
        wants: Iterable[str] = (),
        data: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write down that ``root`` is about to change ``target``; return the change as it is now.

        What ``data`` an earlier checkout gave stays: it saw the machine before us.
        """
        with self._changing() as known:
            new = Entry(kind=kind, target=target, data=data or {})
            old = known.get(new.key, new)
            entry = Entry(
                kind=kind,
                target=target,
                data={**new.data, **old.data},
                wants={**_alive(old.wants), str(root): tuple(wants)},
            )
            known[entry.key] = entry
        return entry

    def release(self, entry: Entry, root: Path | None) -> Entry:
        """Write down that ``root`` (None: everybody) wants nothing more of a change.

        Returns what is left of it. The entry itself stays until ``forget``: it is not undone yet.
        """
        with self._changing() as known:
            found = known.get(entry.key, entry)
            wants = {} if root is None else _alive(found.wants)
            wants.pop(str(root), None)
            left = Entry(kind=found.kind, target=found.target, data=found.data, wants=wants)
            known[entry.key] = left
        return left

    def forget(self, entry: Entry) -> None:
        """Strike out a change that is undone. Keeps it when a checkout wants it meanwhile."""
        with self._changing() as known:
            if not known.get(entry.key, entry).wants:
                known.pop(entry.key, None)

    def of(self, root: Path) -> tuple[Entry, ...]:
        """Return what ``root`` wants, and what nobody living does; the newest first."""
        found = [e for e in self.entries() if str(root) in e.wants or not _alive(e.wants)]
        return tuple(reversed(found))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Entry]]:
        make_private_folder(self.file.parent)
        descriptor = os.open(f"{self.file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            known = {entry.key: entry for entry in self.entries()}
            yield known
            rows = [_row(entry) for entry in known.values()]
            if not rows:
                self.file.unlink(missing_ok=True)
                return
            write(self.file, (json.dumps({"changes": rows}, indent=1) + "\n").encode())
        finally:
            os.close(descriptor)


def location(environment: Mapping[str, str], home: Path, *, platform: str = sys.platform) -> Path:
    """Return the folder of what this user's checkouts share."""
    base = environment.get("XDG_DATA_HOME", "")
    if base.startswith("/"):
        return Path(base) / "alfred-dev"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "alfred-dev"
    return home / ".local" / "share" / "alfred-dev"


def _alive(wants: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return ``wants`` without those of checkouts that are gone."""
    return {root: names for root, names in wants.items() if Path(root).is_dir()}


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        kind=str(row["kind"]),
        target=str(row["target"]),
        data={str(k): str(v) for k, v in row["data"].items()},
        wants={str(root): tuple(map(str, names)) for root, names in row["wants"].items()},
    )


def _row(entry: Entry) -> dict[str, Any]:
    wants = {root: list(names) for root, names in entry.wants.items()}
    return {"kind": entry.kind, "target": entry.target, "data": dict(entry.data), "wants": wants}
