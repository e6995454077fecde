"""Collects what the gateway enforces: certificates, keys, API keys. One look, no decision."""

from __future__ import annotations

from pathlib import Path

from alfred_dev.access import Access, Certificate
from alfred_dev.catalog.project import Project
from alfred_dev.errors import AlfredError
from alfred_dev.host import bindable
from alfred_dev.identity.store import Store
from alfred_dev.workspace import Workspace, read_bytes

IDENTITY = "identity"


def identity(place: Workspace) -> Store:
    """Return where this checkout's issuer keeps its keys."""
    return Store(place.data / IDENTITY)


def look(place: Workspace, project: Project, secret: str) -> Access | str:
    """Return what the gateway must know, or why there can be no gateway.

    Never raises for what only the gateway needs: nothing else waits for it.
    """
    try:
        names = _certificate(place, "gateway")
        loopback = _certificate(place, "loopback")
        store = identity(place)
        jwks, clients = store.jwks(), store.clients()
    except (AlfredError, OSError, UnicodeDecodeError) as error:
        return str(error).replace("\n", " ")
    if names is None or not jwks or not secret:
        return "it has no certificate and no keys yet: alfred-dev up makes them"
    addresses = ("127.0.0.1", *(("::1",) if bindable.has_ipv6() else ()))
    return Access(
        certificate=names,
        loopback=loopback,
        jwks=jwks,
        secret=secret,
        clients=clients,
        origins=project.origins,
        limits=project.limits,
        versions=project.versions,
        addresses=addresses,
    )


def _certificate(place: Workspace, name: str) -> Certificate | None:
    chain, key = (read_bytes(_file(place.root, name, end)) for end in ("pem", "key"))
    return Certificate(chain=chain.decode(), key=key.decode()) if chain and key else None


def _file(root: Path, name: str, end: str) -> Path:
    return root / "certs" / f"{name}.{end}"
