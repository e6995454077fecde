"""Fedora, RHEL, CentOS, Amazon Linux: ``update-ca-trust``."""

from __future__ import annotations

from collections.abc import Iterator

from alfred_dev.changes.machine import Machine
from alfred_dev.pki.trust.base import Anchors

FOLDER = "/etc/pki/ca-trust/source/anchors"


def find(machine: Machine) -> Iterator[Anchors]:
    """Yield the system's store, where this is such a system."""
    program = machine.which("update-ca-trust")
    if program is None or not machine.path(FOLDER).is_dir():
        return
    yield Anchors(
        machine=machine,
        kind="fedora",
        title="the system (curl, Python's ssl, ...)",
        folder=FOLDER,
        suffix=".pem",
        bundle="/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        add=(program, "extract"),
        remove=(program, "extract"),
    )
