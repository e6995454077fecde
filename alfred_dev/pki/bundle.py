"""The CA bundle that processes and containers get: what they trusted before, and our CA.

It extends what the variables already name, and never replaces it. OpenSSL's and Python's
variables replace the system's authorities, so those are in it as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from alfred_dev.pki import certificates
from alfred_dev.settings import CA_VARIABLES
from alfred_dev.workspace import read_bytes, write

NAME = "ca-bundle"
NAME_OF_ALL = f"{NAME}.pem"  # the one that no variable of a shell has changed
READABLE = 0o644
# Debian and its family, Fedora and its family, openSUSE, Alpine and macOS.
SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def write_bundle(
    folder: Path, ca: Path, environment: Mapping[str, str], *, system: Iterable[str] = SYSTEM
) -> Path | None:
    """Write the bundle into ``folder`` and return its path; None when there is no CA yet.

    A bundle that extends what ``environment`` names has a name of its own: two shells with other
    variables do not take each other's authorities away.
    """
    own = read_bytes(ca)
    if own is None:
        return None
    named = _named(environment)
    theirs = [path for path in named if path.parent != folder]
    roots = next((Path(path) for path in system if Path(path).is_file()), None)
    sources = [*([roots] if roots else []), *named]
    path = folder / f"{NAME}{_mark(theirs)}.pem"
    if not theirs and named:  # inside of another `run`: what that one extended stays
        path = named[0]
    write(path, joined([*(source.read_bytes() for source in sources), own]), mode=READABLE)
    return path


def _mark(named: Iterable[Path]) -> str:
    text = "\n".join(map(str, named))
    return f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}" if text else ""


def joined(parts: Iterable[bytes]) -> bytes:
    """Return every certificate of ``parts`` once."""
    return b"".join(dict.fromkeys(block for part in parts for block in certificates.blocks(part)))


def variables(bundle: Path) -> dict[str, str]:
    """Return the variables that name ``bundle``."""
    return dict.fromkeys(CA_VARIABLES, str(bundle))


def _named(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that the variables name already."""
    paths = (Path(environment.get(name) or "/") for name in CA_VARIABLES)
    return list(dict.fromkeys(path for path in paths if path.is_file()))
