"""Where certificates lie, and the CA: made once, never replaced silently, because others trust it.

The CA is the user's, one a domain; the leaves are the checkout's, in ``certs/``.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alfred_dev import lock
from alfred_dev.errors import AlfredError, MachineError, UsageError
from alfred_dev.ledger import Ledger
from alfred_dev.pki import certificates
from alfred_dev.pki.certificates import Certificate, Pair
from alfred_dev.settings import DEFAULT_DOMAIN
from alfred_dev.workspace import make_private_folder, read_bytes, sweep, write

NEW_CA = "alfred-dev certs mint --new-ca"
LEDGER_KIND = "ca"
DOMAINS = "domains"
IGNORE = ".gitignore"
FILES = ("ca.key", "ca.pem", "lock")
PUBLIC_FILE = 0o644
OTHERS = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The paths of one checkout's certificates. ``shared``: the folder of the user's own."""

    root: Path
    shared: Path
    domain: str
    ledger: Ledger

    @property
    def certs(self) -> Path:
        """Where the leaves are."""
        return self.root / "certs"

    @property
    def ca_folder(self) -> Path:
        """Where the CA of this domain is: one CA can sign for one domain alone."""
        folder = self.shared / "ca"
        return folder if self.domain == DEFAULT_DOMAIN else folder / DOMAINS / self.domain

    @property
    def ca_certificate(self) -> Path:
        """The CA's certificate: what clients trust."""
        return self.ca_folder / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """The CA's key; never leaves this folder."""
        return self.ca_folder / "ca.key"

    def certificate(self, leaf: str) -> Path:
        """Return the path of a leaf with its chain."""
        return self.certs / f"{leaf}.pem"

    def key(self, leaf: str) -> Path:
        """Return the path of a leaf's key."""
        return self.certs / f"{leaf}.key"


def pair_at(certificate: Path, key: Path) -> Pair | None:
    """Return what stands in two files, None when one of them is missing. Raises UsageError."""
    found = read_bytes(certificate), read_bytes(key)
    return Pair(found[0], found[1]) if found[0] is not None and found[1] is not None else None


@contextlib.contextmanager
def changing(store: Store) -> Iterator[None]:
    """Make the folders, write the CA into the ledger, and hold the CA's lock."""
    store.ledger.begin(LEDGER_KIND, str(store.ca_folder), store.root)
    make_private_folder(store.ca_folder)
    if not store.certs.is_dir():
        store.certs.mkdir()
        # A project of its own has no rule yet that keeps keys out of git.
        write(store.certs / IGNORE, b"*\n", mode=PUBLIC_FILE)
    with lock.held(store.ca_folder / "lock", "alfred-dev certs", tell=lambda _: None):
        yield


def make_ca(store: Store, now: datetime) -> None:
    """Make a CA, in place of one that may be there: whoever trusts that has to trust this."""
    made = certificates.make_ca(store.domain, now, owner=_owner())
    store.ca_certificate.unlink(missing_ok=True)  # a key without its certificate is no CA yet
    write(store.ca_key, made.key)
    write(store.ca_certificate, made.certificate, mode=PUBLIC_FILE)


def _owner() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def read_ca(store: Store, now: datetime) -> Certificate:
    """Return what the CA's certificate says. Raises AlfredError when it cannot be used at all."""
    path = store.ca_certificate
    try:
        found = certificates.read(read_bytes(path) or b"")
    except ValueError as error:
        raise _bad_ca("is no certificate", f"{path}: {error}", path) from error
    if now < found.not_before:
        raise MachineError(
            "clock-wrong",
            "the clock of this machine is wrong",
            cause=f"it says {now:%Y-%m-%d %H:%M} UTC, but our CA was made after "
            f"{found.not_before:%Y-%m-%d %H:%M}",
            fix=["sudo timedatectl set-ntp true   (WSL 2: sudo hwclock -s)"],
        )
    if now >= found.not_after:
        raise _bad_ca("has expired", f"{path}: on {found.not_after:%Y-%m-%d}", path)
    if store.domain not in found.permitted:
        cause = f"{path}: it may sign for {', '.join(found.permitted) or 'anything'}"
        raise _bad_ca("is of another domain", cause, path)
    return found


def signing_pair(store: Store) -> Pair:
    """Return the CA with its key. Raises AlfredError: lost, open to others, unreadable, foreign."""
    path = store.ca_key
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError as error:
        raise _bad_ca(
            "has lost its key", f"{path} is gone: nothing can be signed any more", path
        ) from error
    except OSError as error:
        raise MachineError(
            "ca-unreadable",
            "the CA's key cannot be read",
            cause=f"{path}: {error.strerror}",
            fix=[f"sudo chown -R $(id -un) '{path.parent}'"],
        ) from error
    if mode & OTHERS:
        raise UsageError(
            "ca-key-open",
            "the CA's key is not used",
            cause=f"{path} can be read by others (mode {mode:04o}): they could sign as we do",
            fix=[f"chmod 600 '{path}'   (when nobody else uses this machine)", NEW_CA],
            where=str(path),
        )
    pair = Pair(read_bytes(store.ca_certificate) or b"", read_bytes(path) or b"")
    try:
        fits = certificates.belongs(pair)
    except ValueError as error:
        raise _bad_ca("has no usable key", f"{path}: {error}", path) from error
    if not fits:
        raise _bad_ca("and its key do not fit", f"{path} is of another certificate", path)
    return pair


def delete_ca(folder: Path) -> None:
    """Delete a CA."""
    for name in FILES:
        sweep(folder / name)
        (folder / name).unlink(missing_ok=True)
    empty = (folder, folder.parent, folder.parent.parent)
    with contextlib.suppress(OSError):  # not empty: the CAs of other domains are there
        for each in empty if folder.parent.name == DOMAINS else (folder,):
            each.rmdir()


def _bad_ca(what: str, cause: str, path: Path) -> AlfredError:
    return UsageError(
        "ca-unusable",
        f"the local CA {what}",
        cause=cause,
        fix=[f"restore it, or make a new one: {NEW_CA}", "alfred-dev setup   (trusts the new one)"],
        where=str(path),
    )
