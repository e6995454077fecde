"""Java's own store, by ``keytool``. Only on request: Java ignores name constraints.

A Java program that trusts our CA would trust it for every site. Whoever asks for it is told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Run, Step
from alfred_dev.pki.trust.base import Authority

WARNING = "Java ignores name constraints: its programs will trust our CA for every site"
PASSWORD = "changeit"  # noqa: S105 - every Java's store has it; it guards nothing
ABSENT = ("does not exist",)


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaStore:
    """The ``cacerts`` of one Java."""

    machine: Machine
    keytool: str
    target: str
    kind: str = "java"
    title: str = "Java"

    def lacks(self) -> tuple[str, ...]:
        """Nothing: a place without its program is not found at all."""
        return ()

    def check(self, ca: Authority) -> bool:
        """Tell whether the store has the CA under our name."""
        said = self.machine.ask([*self._command("-list"), "-alias", ca.stem])
        return said.ok and ca.sha256 in said.text.replace(":", "").upper()

    def record(self) -> Mapping[str, str]:
        """Remember whose keytool it was."""
        return {"keytool": self.keytool}

    def install(self, ca: Authority) -> tuple[Step, ...]:
        """Import the CA."""
        argv = (*self._command("-importcert"), "-noprompt", "-alias", ca.stem)
        present = ("already exists",)
        return (Run(argv=(*argv, "-file", str(ca.path)), tolerated=present, root=True),)

    def uninstall(self, ca: Authority, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete it."""
        argv = (*self._command("-delete"), "-alias", ca.stem)
        return (Run(argv=argv, tolerated=ABSENT, root=True),)

    def _command(self, verb: str) -> tuple[str, ...]:
        return (self.keytool, verb, "-keystore", self.target, "-storepass", PASSWORD)


def find(machine: Machine) -> Iterator[JavaStore]:
    """Yield the store of the Java in JAVA_HOME, else of that on PATH."""
    home = machine.environment.get("JAVA_HOME", "")
    keytool = f"{home}/bin/keytool" if home else machine.which("keytool")
    if not keytool or not Path(keytool).exists():
        return
    store = Path(keytool).resolve().parents[1] / "lib" / "security" / "cacerts"
    if store.exists():
        yield JavaStore(machine=machine, keytool=keytool, target=str(store))
