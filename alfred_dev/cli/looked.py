"""Remembers that certificates were found good, so that the same need not be found again.

To read a certificate takes a library that costs a tenth of an ``up`` with nothing to do. What was
read is the same as long as its file is: same inode, times, size and mode. Of what is merely old,
only the clock has to be asked.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev import hostnames, ledger
from alfred_dev.catalog.project import Loaded
from alfred_dev.settings import DEFAULT_DOMAIN
from alfred_dev.workspace import Workspace, write

FILE = "certificates.json"  # in .alfred/run
CODE = Path(__file__).parents[1] / "pki"  # another rule may find the same files wanting
Marks = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was asked for, and the marks of every file that was read; () for one not there."""

    asked: str
    files: Marks

    @classmethod
    def at(cls, place: Workspace, found: Loaded, paths: Iterable[Path]) -> Look:
        """Look now."""
        return cls(asked=asked(place, found), files={str(path): marks(path) for path in paths})


def asked(place: Workspace, found: Loaded) -> str:
    """Return a digest of all that decides what certificates there must be, and where.

    A copy of a checkout brings what the other one remembers: of the other one's files.
    """
    domain = found.project.domain or DEFAULT_DOMAIN
    names = hostnames.names(found.catalog, domain, web_only=True)
    shared = str(ledger.location(os.environ, Path.home()))
    text = json.dumps([str(place.root), domain, names, found.project.certificate, shared])
    return hashlib.sha256(text.encode()).hexdigest()


def marks(path: Path) -> tuple[int, ...]:
    """Return what changes with a file, whoever changes it; () when it is not there.

    Of a folder, whose it is and who may write in it: what is in it comes and goes.
    """
    try:
        found = path.stat()
    except OSError:
        return ()
    if stat.S_ISDIR(found.st_mode):
        return (found.st_ino, found.st_uid, found.st_mode)
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)


def remember(place: Workspace, look: Look, *, begin: float, until: float) -> None:
    """Write down that all was well at ``look``, and is between two times since the epoch."""
    code = {str(path): marks(path) for path in sorted(CODE.glob("*.py"))}
    document = {"asked": look.asked, "files": {**look.files, **code}, "time": [begin, until]}
    write(place.run / FILE, json.dumps(document).encode())


def forget(place: Workspace) -> None:
    """Look again the next time."""
    (place.run / FILE).unlink(missing_ok=True)


def still_good(place: Workspace, found: Loaded) -> bool:
    """Tell whether the same would be found again. A doubt is a no."""
    try:
        known = json.loads((place.run / FILE).read_text())
        begin, until = known["time"]
        return (
            begin <= time.time() < until
            and known["asked"] == asked(place, found)
            and all(list(marks(Path(p))) == seen for p, seen in known["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
