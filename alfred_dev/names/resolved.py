"""systemd-resolved, told to ask our own dnsmasq for our domains alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes.machine import Machine, missing_folders
from alfred_dev.changes.model import Drop, Put, Run, Step
from alfred_dev.names.base import Wanted
from alfred_dev.names.dnsmasq import GONE, HEAD, missing

FILE = "/etc/systemd/resolved.conf.d/alfred-dev.conf"
RUNNING = "/run/systemd/resolve/stub-resolv.conf"
RESTART = ("systemctl", "restart", "systemd-resolved")


def text(wanted: Wanted) -> str:
    """Return the drop-in. A domain with ~ is asked of these servers, and no other is."""
    domains = " ".join(f"~{name}" for name in wanted.domains)
    return f"{HEAD}[Resolve]\nDNS={' '.join(wanted.servers)}\nDomains={domains}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A drop-in for systemd-resolved."""

    machine: Machine
    kind: str = "resolved"
    title: str = "systemd-resolved, asking our own dnsmasq"

    @property
    def target(self) -> str:
        """The file."""
        return str(self.machine.path(FILE))

    def lacks(self) -> tuple[str, ...]:
        """Say how to get dnsmasq, where it is missing."""
        return missing(self.machine)

    def check(self, wanted: Wanted) -> bool:
        """Tell whether the drop-in names our server for these domains."""
        try:
            have = Path(self.target).read_text().split()
        except OSError:
            return False
        domains = {f"~{name}" for name in wanted.domains}
        servers = {word.removeprefix("DNS=") for word in have}
        return servers >= set(wanted.servers) and domains <= {
            word.removeprefix("Domains=") for word in have
        }

    def record(self) -> Mapping[str, str]:
        """Remember which folders are ours."""
        return {"folders": "\n".join(missing_folders(Path(self.target)))}

    def install(self, wanted: Wanted) -> tuple[Step, ...]:
        """Write the drop-in."""
        put = Put(path=self.target, text=text(wanted), root=True)
        return (put, Run(argv=RESTART, root=True))

    def uninstall(self, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete it."""
        folders = tuple(record.get("folders", "").splitlines())
        drop = Drop(path=self.target, folders=folders, root=True)
        return (drop, Run(argv=RESTART, tolerated=GONE, root=True))


def find(machine: Machine) -> Iterator[Resolved]:
    """Yield it where systemd-resolved runs."""
    if machine.path(RUNNING).exists():
        yield from made(machine)


def made(machine: Machine) -> Iterator[Resolved]:
    """Yield it, whether systemd-resolved runs by now or not."""
    if machine.which("systemctl"):
        yield Resolved(machine=machine)
