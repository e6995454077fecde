"""macOS: the system's keychain, by ``security``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Run, Step
from alfred_dev.pki.trust.base import Authority

KEYCHAIN = "/Library/Keychains/System.keychain"
ABSENT = ("could not be found", "not be found in the keychain", "Unable to delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keychain:
    """The keychain of all users."""

    machine: Machine
    kind: str = "macos"
    target: str = KEYCHAIN
    title: str = "the system (Safari, Chrome, curl)"

    def lacks(self) -> tuple[str, ...]:
        """Nothing: ``security`` is part of macOS."""
        return ()

    def check(self, ca: Authority) -> bool:
        """Tell whether the CA is in the keychain, and a chain that ends in it is good."""
        listed = self.machine.ask(["security", "find-certificate", "-a", "-Z", KEYCHAIN])
        if not listed.ok or ca.sha256 not in listed.text.replace(" ", "").upper():
            return False
        return self.machine.ask(["security", "verify-cert", "-c", str(ca.path)]).ok

    def record(self) -> Mapping[str, str]:
        """Nothing to remember."""
        return {}

    def install(self, ca: Authority) -> tuple[Step, ...]:
        """Add the CA with the trust of a root."""
        options = ("-d", "-r", "trustRoot", "-k", KEYCHAIN, str(ca.path))
        return (Run(argv=("security", "add-trusted-cert", *options), root=True),)

    def uninstall(self, ca: Authority, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Take back the trust, then the certificate."""
        trust = ("security", "remove-trusted-cert", "-d", str(ca.path))
        certificate = ("security", "delete-certificate", "-Z", ca.sha256, KEYCHAIN)
        return (
            Run(argv=trust, tolerated=ABSENT, root=True),
            Run(argv=certificate, tolerated=ABSENT, root=True),
        )


def find(machine: Machine) -> Iterator[Keychain]:
    """Yield the keychain, on macOS."""
    if machine.platform == "darwin":
        yield Keychain(machine=machine)
