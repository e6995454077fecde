"""Debian, Ubuntu, Mint, Alpine: ``update-ca-certificates``."""

from __future__ import annotations

from collections.abc import Iterator

from alfred_dev.changes.machine import Machine
from alfred_dev.pki.trust.base import Anchors

FOLDER = "/usr/local/share/ca-certificates"
# Java's hook would copy every anchor into Java's own store, and Java ignores name constraints.
# A folder of hooks that does not exist means none; hooks change nothing else that we need.
HOOKS = "/etc/ca-certificates/update.d"
NO_HOOKS = ("--hooksdir", f"{HOOKS}/none")


def find(machine: Machine) -> Iterator[Anchors]:
    """Yield the system's store, where this is such a system."""
    program = machine.which("update-ca-certificates") or machine.which(
        "/usr/sbin/update-ca-certificates"  # not on a user's PATH
    )
    if program is None or not machine.path(FOLDER).is_dir():
        return
    quiet = NO_HOOKS if machine.path(f"{HOOKS}/jks-keystore").exists() else ()
    yield Anchors(
        machine=machine,
        kind="debian",
        title="the system (curl, Python's ssl, ...)",
        folder=FOLDER,
        suffix=".crt",
        bundle="/etc/ssl/certs/ca-certificates.crt",
        add=(program, *quiet),
        remove=(program, "--fresh", *quiet),  # only --fresh deletes the link to what is gone
    )
