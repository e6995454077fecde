"""Places where trust in our CA is installed, one file each. Adding one is adding a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alfred_dev.changes.machine import Machine
from alfred_dev.pki.trust import debian, fedora, java, macos, nss, windows
from alfred_dev.pki.trust.base import Authority, Place

PLACES = (debian, fedora, macos, nss, windows)
ON_REQUEST = (java,)


def find(machine: Machine, *, with_java: bool = False) -> tuple[Place, ...]:
    """Return every place on this machine. ``with_java``: that which ignores constraints too."""
    modules = (*PLACES, *ON_REQUEST) if with_java else PLACES
    return tuple(place for module in modules for place in module.find(machine))


def place_of(machine: Machine, kind: str, target: str, record: Mapping[str, str]) -> Place | None:
    """Return the place that the ledger names, None when it is not there any more."""
    if kind == "nss":  # also one that is hidden now, or was made and not finished
        return nss.database(machine, Path(target))
    if kind == "java":
        return java.JavaStore(machine=machine, keytool=record.get("keytool", ""), target=target)
    found = find(machine, with_java=True)
    return next((p for p in found if (p.kind, p.target) == (kind, target)), None)


__all__ = ["Authority", "Place", "find", "place_of"]
