"""The hosts file of Windows, from WSL 2: the browser there resolves by it.

Only an administrator of Windows may write it; being root in Linux does not help. So Windows is
asked, in a window of its own, to run our helper as administrator.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes.elevate import helper
from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Block, Put, Run, Step, to_rows
from alfred_dev.ledger import location
from alfred_dev.names.hosts_file import HostsFile

HOSTS = "/mnt/c/Windows/System32/drivers/etc/hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsHosts(HostsFile):
    """The hosts file of the Windows around us, as Linux sees it. ``distribution``: what WSL calls
    us."""

    powershell: str
    distribution: str
    folder: Path
    kind: str = "windows_hosts"
    title: str = "the hosts file of Windows"

    def steps(self, lines: tuple[str, ...]) -> tuple[Step, ...]:
        """Return how the file comes to have exactly ``lines`` of ours: as administrator."""
        file = self.folder / "as-administrator.json"
        rows = to_rows([Block(path=self.target, lines=lines)])
        arguments = ["-d", self.distribution, "--", *helper(file)]
        listed = ",".join(_quoted(argument) for argument in arguments)
        start = f"exit (Start-Process -Verb RunAs -Wait -PassThru wsl.exe {listed}).ExitCode"
        return (
            Put(path=str(file), text=json.dumps(rows)),
            Run(argv=(self.powershell, "-NoProfile", "-Command", start)),
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def find(machine: Machine) -> Iterator[WindowsHosts]:
    """Yield the file, inside WSL."""
    powershell = machine.which("powershell.exe") if machine.is_wsl else None
    path = machine.path(HOSTS)
    if powershell and path.exists() and sys.executable:
        yield WindowsHosts(
            path=path,
            powershell=powershell,
            distribution=machine.environment["WSL_DISTRO_NAME"],
            folder=location(machine.environment, machine.home),
        )
