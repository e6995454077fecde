"""Windows, from WSL 2: the user's own root store, by ``certutil.exe``.

Windows asks the user in a window of its own before it trusts a root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Run, Step
from alfred_dev.pki.trust.base import Authority

ABSENT = ("CRYPT_E_NOT_FOUND", "0x80092004", "-2146885628")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsRoots:
    """The root store of the Windows user: Edge, Chrome, and what else runs there."""

    machine: Machine
    program: str
    kind: str = "windows"
    target: str = "Windows: CurrentUser Root"
    title: str = "Windows (Edge, Chrome)"

    def lacks(self) -> tuple[str, ...]:
        """Nothing: a place without its program is not found at all."""
        return ()

    def check(self, ca: Authority) -> bool:
        """Tell whether the store has the CA."""
        said = self.machine.ask([self.program, "-user", "-store", "Root", ca.sha1])
        return said.ok and ca.sha1.lower() in said.text.replace(" ", "").lower()

    def record(self) -> Mapping[str, str]:
        """Nothing to remember."""
        return {}

    def install(self, ca: Authority) -> tuple[Step, ...]:
        """Add the CA. The path is one that Windows can read."""
        said = self.machine.ask(["wslpath", "-w", str(ca.path)])
        path = said.text.strip() if said.ok else str(ca.path)
        return (Run(argv=(self.program, "-user", "-f", "-addstore", "Root", path)),)

    def uninstall(self, ca: Authority, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete the CA by its thumbprint."""
        argv = (self.program, "-user", "-delstore", "Root", ca.sha1)
        return (Run(argv=argv, tolerated=ABSENT),)


def find(machine: Machine) -> Iterator[WindowsRoots]:
    """Yield the store, inside WSL."""
    program = machine.which("certutil.exe") if machine.is_wsl else None
    if program:
        yield WindowsRoots(machine=machine, program=program)
