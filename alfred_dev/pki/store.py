"""The leaves of a checkout: made when missing, renewed before they end.

They are replaced by rename, so that whoever watches them sees a whole file. Nothing here changes
what the machine trusts.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alfred_dev.pki import authority, certificates
from alfred_dev.pki import own as own_certificate
from alfred_dev.pki.authority import IGNORE, NEW_CA, OTHERS, PUBLIC_FILE, Store, pair_at
from alfred_dev.pki.certificates import RENEW_BEFORE, Certificate, Pair
from alfred_dev.pki.own import Own
from alfred_dev.workspace import read_bytes, refuse_symlink, sweep, write

GATEWAY, LOOPBACK = "gateway", "loopback"
LEAVES = (GATEWAY, LOOPBACK)
LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """What ``ensure`` did. ``new_ca``: it made a CA; ``leaves``: name -> why it was made anew.

    ``notes``: what the user should know, each a line.
    """

    new_ca: bool = False
    leaves: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def ensure(
    store: Store,
    names: Iterable[str],
    now: datetime,
    *,
    own: Own | None = None,
    force: bool = False,
    new_ca: bool = False,
) -> Minted:
    """Have a CA, a gateway leaf for ``names``, and one for loopback addresses.

    Makes what is missing, does not fit, or ends within 30 days; ``force``: all leaves;
    ``new_ca``: the CA too. Raises AlfredError; then every file that was there stands.
    """
    wanted = {GATEWAY: tuple(names), LOOPBACK: LOOPBACK_NAMES}
    with authority.changing(store):
        brought = own_certificate.load(own, now) if own else None
        made_ca = new_ca or not store.ca_certificate.exists()
        if made_ca:
            for leaf in LEAVES:  # else nothing could follow a new CA
                refuse_symlink(store.key(leaf))
                refuse_symlink(store.certificate(leaf))
            authority.make_ca(store, now)
        ca = authority.read_ca(store, now)
        done, notes = {}, _notes(store, ca, now)
        if own and brought:
            notes += own_certificate.notes(own, brought, _below(store.domain, names), now)
            if pair_at(store.certificate(GATEWAY), store.key(GATEWAY)) != brought:
                done[GATEWAY] = "your own certificate was new"
            _write(store, GATEWAY, brought)
            del wanted[GATEWAY]
        done |= _issue(store, wanted, now, force=force)
    return Minted(new_ca=made_ca, leaves=done, notes=tuple(notes))


def _issue(
    store: Store, wanted: Mapping[str, tuple[str, ...]], now: datetime, *, force: bool
) -> dict[str, str]:
    """Issue the leaves that need it; return why, for each."""
    reasons = {leaf: why_not(store, leaf, names, now) for leaf, names in wanted.items()}
    if force:
        reasons = {leaf: reason or "that was asked for" for leaf, reason in reasons.items()}
    needed = {leaf: reason for leaf, reason in reasons.items() if reason}
    if needed:
        signer = authority.signing_pair(store)
        for leaf in needed:
            _write(store, leaf, certificates.issue(signer, wanted[leaf], now))
    return needed


def why_not(store: Store, leaf: str, names: Iterable[str], now: datetime) -> str:
    """Return why a leaf has to be made (anew), nothing when it is good."""
    pair = pair_at(store.certificate(leaf), store.key(leaf))
    if pair is None:
        return next(filter(None, map(_astray, (store.certificate(leaf), store.key(leaf)))),
                    "it was missing")  # fmt: skip
    try:
        found, fits = certificates.read(pair.certificate), certificates.belongs(pair)
        signed = certificates.signed_by(pair.certificate, store.ca_certificate.read_bytes())
    except (ValueError, TypeError):  # a TypeError: the key has a passphrase
        return unreadable(pair)
    problems = (
        (not fits, "its key was of another certificate"),
        (not signed, "another CA had signed it"),
        (set(names) != set(found.names), "its names were not those of the catalog"),
        (now < found.not_before, "it was not valid yet"),
        (found.left(now) < RENEW_BEFORE, f"its end is {found.not_after:%Y-%m-%d}"),
        (_open(store.key(leaf)), "its key could be read by others"),
    )
    return next((reason for wrong, reason in problems if wrong), "")


def _astray(path: Path) -> str:
    """Return what a file is that leads to nothing, "" of any other."""
    dangles = path.is_symlink() and not path.exists()
    return f"{path.name} was a link to {path.readlink()}, which is not there" if dangles else ""


def unreadable(pair: Pair) -> str:
    """Return why a pair cannot be read, as far as its text tells. Pure."""
    if b"ENCRYPTED" in pair.key:
        return "its key has a passphrase, which nobody can type"
    for part, what in ((pair.certificate, "certificate"), (pair.key, "key")):
        if b"-----END" not in part:
            return f"its {what} was damaged (cut)"
    return "it could not be read"


def show_ca(store: Store) -> Certificate | None:
    """Return what the CA's certificate says, None where there is none that can be read."""
    try:
        return certificates.read(read_bytes(store.ca_certificate) or b"")
    except ValueError:
        return None


def show(store: Store) -> dict[str, Certificate]:
    """Return the leaves that are there. Those that cannot be read are left out."""
    found = {}
    for leaf in LEAVES:
        try:
            found[leaf] = certificates.read(read_bytes(store.certificate(leaf)) or b"")
        except ValueError:
            continue
    return found


def span(store: Store) -> tuple[datetime, datetime]:
    """Return from when to when nothing of this is wanting because of its age."""
    ca = show_ca(store)
    every = [*show(store).values(), *([ca] if ca else [])]
    begin = max(found.not_before for found in every)
    return begin, min(found.not_after for found in every) - RENEW_BEFORE


def delete_leaves(folder: Path) -> None:
    """Delete the leaves in a checkout's ``certs``, and the folder if we made it."""
    for name in (f"{leaf}.{end}" for leaf in LEAVES for end in ("pem", "key")):
        sweep(folder / name)
        (folder / name).unlink(missing_ok=True)
    if [path.name for path in folder.glob("*")] == [IGNORE]:
        (folder / IGNORE).unlink()
        folder.rmdir()


def _write(store: Store, leaf: str, pair: Pair) -> None:
    write(store.key(leaf), pair.key)
    write(store.certificate(leaf), pair.certificate, mode=PUBLIC_FILE)


def _notes(store: Store, ca: Certificate, now: datetime) -> list[str]:
    notes = []
    if ca.left(now) < RENEW_BEFORE:
        notes.append(f"our CA ends on {ca.not_after:%Y-%m-%d}: {NEW_CA}, then alfred-dev setup")
    if not store.ca_key.exists():
        notes.append(f"the CA's key is lost ({store.ca_key}): {NEW_CA} before the leaves end")
    return notes


def _below(domain: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name == domain or name.endswith(f".{domain}")]


def _open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & OTHERS)
