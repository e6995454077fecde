"""macOS: one file a domain in ``/etc/resolver`` names our own dnsmasq as its server.

It outlives a VPN's resolvers, which replace all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes.machine import Machine, missing_folders
from alfred_dev.changes.model import Drop, Put, Step
from alfred_dev.names.base import Wanted
from alfred_dev.names.dnsmasq import HEAD, missing

FOLDER = "/etc/resolver"


def text(server: str) -> str:
    """Return the file of one domain. ``server``: ``address:port``."""
    address, _, port = server.rpartition(":")
    return f"{HEAD}nameserver {address}\nport {port}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverFolder:
    """The folder of per-domain servers."""

    machine: Machine
    kind: str = "resolver_folder"
    title: str = "/etc/resolver, asking our own dnsmasq"

    @property
    def target(self) -> str:
        """The folder."""
        return str(self.machine.path(FOLDER))

    def lacks(self) -> tuple[str, ...]:
        """Say how to get dnsmasq, where it is missing."""
        return missing(self.machine)

    def check(self, wanted: Wanted) -> bool:
        """Tell whether every domain has its file."""
        wants = {text(server) for server in wanted.servers}
        try:
            return all(self._file(name).read_text() in wants for name in wanted.domains)
        except OSError:
            return False

    def record(self) -> Mapping[str, str]:
        """Remember whether the folder is ours."""
        return {"folders": "\n".join(missing_folders(Path(self.target) / "x"))}

    def install(self, wanted: Wanted) -> tuple[Step, ...]:
        """Write a file a domain. It can name one server: the first checkout's."""
        kept = {str(self._file(name)) for name in wanted.domains}
        old = (p for p in self._ours() if p not in kept)
        drops = tuple(Drop(path=path, root=True) for path in old)
        server = next(iter(wanted.servers), "127.0.0.1:53")
        puts = tuple(Put(path=path, text=text(server), root=True) for path in sorted(kept))
        return (*drops, *puts)

    def uninstall(self, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete our files, and the folder if it was made for them."""
        folders = tuple(record.get("folders", "").splitlines())
        return tuple(Drop(path=path, folders=folders, root=True) for path in self._ours())

    def _file(self, domain: str) -> Path:
        return Path(self.target) / domain

    def _ours(self) -> list[str]:
        found = sorted(p for p in Path(self.target).glob("*") if p.is_file())
        return [str(p) for p in found if p.read_bytes().startswith(HEAD.encode())]


def find(machine: Machine) -> Iterator[ResolverFolder]:
    """Yield the folder, on macOS."""
    if machine.platform == "darwin":
        yield ResolverFolder(machine=machine)


made = find  # the system reads the folder by itself, whatever runs
