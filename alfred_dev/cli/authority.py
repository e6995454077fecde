"""Joins a checkout with its certificates: where they are, and what they are for."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from alfred_dev import hostnames, ledger
from alfred_dev.catalog.project import Loaded, Project
from alfred_dev.ledger import Ledger
from alfred_dev.pki.authority import Store
from alfred_dev.pki.own import Own
from alfred_dev.settings import DEFAULT_DOMAIN
from alfred_dev.workspace import Workspace


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


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
