"""Joins a checkout with its certificates: where they are, and what they are for."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alfred_dev import hostnames, ledger, projectfile, slots
from alfred_dev.catalog.project import Loaded, Project
from alfred_dev.changes.machine import Machine
from alfred_dev.cli import looked
from alfred_dev.cli.place import slots_file
from alfred_dev.errors import AlfredError
from alfred_dev.ledger import Entry, Ledger
from alfred_dev.names import helper, resolve
from alfred_dev.names.base import Wanted
from alfred_dev.pki import authority, bundle
from alfred_dev.pki import store as pki_store
from alfred_dev.pki.authority import Store
from alfred_dev.pki.own import Own
from alfred_dev.pki.store import Minted
from alfred_dev.pki.trust import Authority
from alfred_dev.planner import SLOT_STEP
from alfred_dev.settings import DEFAULT_DOMAIN
from alfred_dev.setup import act
from alfred_dev.workspace import Workspace, make_private_folder

if TYPE_CHECKING:
    from alfred_dev.stack import Stack


def ledger_of_user() -> Ledger:
    """Return the ledger that all checkouts of this user share."""
    return Ledger(ledger.location(os.environ, Path.home()) / "ledger.json")


def store(place: Workspace, project: Project) -> Store:
    """Return where the certificates of a checkout are."""
    return Store(
        root=place.root,
        shared=ledger.location(os.environ, Path.home()),
        domain=project.domain or DEFAULT_DOMAIN,
        ledger=ledger_of_user(),
    )


def names(found: Loaded, *, web_only: bool = False) -> tuple[str, ...]:
    """Return every name of this checkout's stack."""
    domain = found.project.domain or DEFAULT_DOMAIN
    return hostnames.names(found.catalog, domain, web_only=web_only)


def own(place: Workspace, found: Loaded) -> Own | None:
    """Return the certificate that alfred.yaml names, None where it names none."""
    if found.project.certificate is None:
        return None
    certificate, key = (place.root / Path(p).expanduser() for p in found.project.certificate)
    where = dict(found.given(("gateway", "cert")))[found.project.certificate[0]]
    return Own(certificate=certificate, key=key, where=where)


def wanted(place: Workspace, found: Loaded) -> Wanted:
    """Return what this checkout wants of hosts files and of DNS."""
    domain = found.project.domain or DEFAULT_DOMAIN
    everything = hostnames.hostnames(found.catalog, domain)
    return Wanted(
        names=tuple(h.name for h in everything if h.web),
        plain=tuple(h.name for h in everything if not h.web),
        domains=hostnames.domains(domain),
        servers=(f"127.0.0.1:{helper.PORT + SLOT_STEP * (slot_of(place) or 0)}",),
    )


def slot_of(place: Workspace) -> int | None:
    """Return the slot that a checkout has, None when it has none yet."""
    return slots.of(slots_file(), place.root)


def astray(found: Loaded) -> tuple[str, ...]:
    """Return the names that do not lead to this machine."""
    return tuple(r.name for r in resolve.resolve(names(found)) if not r.ok)


def all_resolve(found: Loaded) -> bool:
    """Tell whether every name leads to this machine already."""
    first, *others = names(found)
    return all(r.ok for some in ([first], others) for r in resolve.resolve(some))


def with_ca(place: Workspace, found: Loaded) -> Store:
    """Return the store, with a CA that can be used: made if there is none. Raises AlfredError."""
    here = store(place, found.project)
    if here.ca_certificate.exists():
        authority.read_ca(here, now())
    else:
        pki_store.ensure(here, names(found, web_only=True), now(), own=own(place, found))
    return here


def of_places(here: Store) -> Authority:
    """Return the CA as places of trust know it."""
    return Authority(here.ca_certificate.read_text(), here.ca_certificate)


def stale_trust(here: Store) -> list[Entry]:
    """Return the ledger's entries of trust in a CA that was replaced."""
    present = here.ca_certificate.read_text()
    entries = here.ledger.entries()
    return [e for e in entries if e.data.get("ca") == str(here.ca_folder)
            and e.data.get("pem") != present]  # fmt: skip


def forget_stale_trust(machine: Machine, here: Store, tell: Callable[[str], None]) -> None:
    """Take back the trust in a CA that was replaced, for every checkout: it signs nothing more."""
    stale = {entry.key for entry in stale_trust(here)}
    if stale:
        undos = act.undoing(machine, here.ledger, None, kinds=lambda entry: entry.key in stale)
        act.undo(undos, machine, here.ledger, None, tell)


def ensure(place: Workspace, found: Loaded, tell: Callable[[str], None]) -> None:
    """Make the certificates that are missing, and renew those that end soon.

    What is wrong with them is a warning: only the gateway needs them, and it holds nothing up.
    """
    here, theirs = store(place, found.project), own(place, found)
    before = looked.Look.at(place, found, _read(place, here, theirs))
    looked.forget(place)
    try:
        done = pki_store.ensure(here, names(found, web_only=True), now(), own=theirs)
    except AlfredError as error:
        tell(f"warning: {error.what}: {error.cause}; fix: {'; '.join(error.fix)}")
        return
    bundle.write_bundle(place.home, here.ca_certificate, {})
    if done.new_ca:
        tell("made a local CA; nothing trusts it yet: alfred-dev setup")
    for leaf, reason in done.leaves.items():
        if not done.new_ca:
            tell(f"made the certificate of the {leaf} anew: {reason}")
    for line in done.notes:
        tell(f"warning: {line}")
    after = looked.Look.at(place, found, _read(place, here, theirs))
    if done == Minted() and before == after:  # nobody changed a file while we read it
        begin, until = pki_store.span(here)
        looked.remember(place, after, begin=begin.timestamp(), until=until.timestamp())


def _read(place: Workspace, here: Store, theirs: Own | None) -> list[Path]:
    """Return every file that decides whether something has to be made."""
    leaves = [end(leaf) for leaf in pki_store.LEAVES for end in (here.certificate, here.key)]
    brought = [theirs.certificate, theirs.key] if theirs else []
    bundled = [place.home / bundle.NAME_OF_ALL, *map(Path, bundle.SYSTEM)]
    folders = [here.ca_folder, here.certs]
    ours = [here.ca_certificate, here.ca_key, here.ledger.file]
    return [*folders, *ours, *leaves, *brought, *bundled]


def environment(stack: Stack) -> dict[str, str]:
    """Return what a process of this machine is told: the endpoints, and whom to trust."""
    project = projectfile.loaded(stack.workspace).project
    trusts = ca_variables(stack.workspace, store(stack.workspace, project))
    return {**stack.plan.endpoints_environment, **trusts}


def ca_variables(place: Workspace, here: Store) -> dict[str, str]:
    """Write the CA bundle and return the variables that name it; none before there is a CA."""
    if not here.ca_certificate.exists():
        return {}
    make_private_folder(place.home)
    path = bundle.write_bundle(place.home, here.ca_certificate, os.environ)
    return bundle.variables(path) if path else {}


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
