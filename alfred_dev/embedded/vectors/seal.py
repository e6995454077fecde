"""Which files a collection has when it is at rest: what is lost or cut off later is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from alfred_dev.embedded.vectors.errors import VectorError

SHARD, SEALED = "shard", "sealed.json"


def seal(folder: Path) -> None:
    """Note the files of ``folder``, to which everything must have been written."""
    found = {str(p.relative_to(folder)): p.stat().st_size for p in _files(folder)}
    scratch = folder / f"{SEALED}.new"
    scratch.write_text(json.dumps(found))
    scratch.replace(folder / SEALED)


def unseal(folder: Path) -> None:
    """Expect nothing: files are about to come and go."""
    (folder / SEALED).unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    # What only ever grows. Not the log: it is cut when all of it is in these files, and has check
    # sums of its own.
    segments = folder / SHARD / "segments"
    for pattern in ("segment.json", "page_*.dat", "chunk_*.mmap", "mutable_id_tracker.*"):
        yield from segments.rglob(pattern)


def check(folder: Path) -> None:
    """Refuse what has lost files: the engine would begin anew without a word."""
    log = folder / SHARD / "wal"
    if not any(log.glob("*-*")):
        raise VectorError(500, f"{log} is not there, or empty")
    try:
        known: Mapping[str, int] = json.loads((folder / SEALED).read_text())
    except FileNotFoundError:
        return  # never yet at rest: all of it is in the log
    for name, size in known.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size < size:
            raise VectorError(500, f"{path} is not there, or cut off")
