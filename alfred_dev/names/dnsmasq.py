"""dnsmasq: its configuration, and the drop-in for one that this system already asks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes.machine import Machine, missing_folders
from alfred_dev.changes.model import Drop, Put, Run, Step
from alfred_dev.names.base import ADDRESSES, IPV4, Wanted

HEAD = "# alfred-dev made this file; `alfred-dev uninstall` removes it.\n"
# Where a dnsmasq of the system reads drop-ins: Debian and Fedora, Homebrew on both processors.
FOLDERS = ("/etc/dnsmasq.d", "/opt/homebrew/etc/dnsmasq.d", "/usr/local/etc/dnsmasq.d")
FILE = "alfred-dev.conf"
# A resolver that was stopped or removed since has nothing to forget, whatever it says of that.
GONE = ("",)


def drop_in(wanted: Wanted) -> str:
    """Return what a dnsmasq has to know: every name of the domains leads to this machine."""
    both = [f"address=/{name}/{address}\n" for name in wanted.domains for address in ADDRESSES]
    # Known here, and nowhere above: then the domain's IPv6 address does not hold for it.
    plain = [f"local=/{name}/\nhost-record={name},{IPV4}\n" for name in wanted.plain]
    return HEAD + "".join([*both, *plain])


def refused(machine: Machine, text: str) -> str:
    """Return what ``dnsmasq --test`` says against ``text``; nothing when it is good."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        said = machine.ask(["dnsmasq", "--test", f"--conf-file={file.name}"])
    return "" if said.ok else said.text.strip()


def missing(machine: Machine) -> tuple[str, ...]:
    """Return how to get dnsmasq, where it is missing."""
    if machine.which("dnsmasq"):
        return ()
    install = machine.packages("dnsmasq-base", "dnsmasq", "dnsmasq")
    return ("dnsmasq is not here", install or "install dnsmasq", HOSTS_INSTEAD)


HOSTS_INSTEAD = "or: alfred-dev names apply --way hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIn:
    """A file for the dnsmasq that this system asks for every name."""

    machine: Machine
    folder: Path
    restart: tuple[str, ...]
    kind: str = "dnsmasq"
    title: str = "a drop-in for this system's dnsmasq"

    @property
    def target(self) -> str:
        """The file."""
        return str(self.folder / FILE)

    def lacks(self) -> tuple[str, ...]:
        """Say what dnsmasq has against our lines."""
        said = refused(self.machine, drop_in(Wanted(domains=("alfred.localhost",))))
        return (said, HOSTS_INSTEAD) if said else ()

    def check(self, wanted: Wanted) -> bool:
        """Tell whether the file is there for these domains."""
        try:
            have = Path(self.target).read_text()
        except OSError:
            return False
        return set(have.splitlines()) >= set(drop_in(wanted).splitlines())

    def record(self) -> Mapping[str, str]:
        """Remember which folders are ours."""
        return {"folders": "\n".join(missing_folders(Path(self.target)))}

    def install(self, wanted: Wanted) -> tuple[Step, ...]:
        """Write the file; dnsmasq reads addresses only when it starts."""
        put = Put(path=self.target, text=drop_in(wanted), root=True)
        return (put, Run(argv=self.restart, root=True))

    def uninstall(self, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete the file."""
        folders = tuple(record.get("folders", "").splitlines())
        drop = Drop(path=self.target, folders=folders, root=True)
        return (drop, Run(argv=self.restart, tolerated=GONE, root=True))


def find(machine: Machine) -> Iterator[DropIn]:
    """Yield the drop-in, where a dnsmasq of the system is what this machine asks."""
    if machine.which("dnsmasq") and _is_asked(machine):
        yield from made(machine)


def made(machine: Machine) -> Iterator[DropIn]:
    """Yield the drop-in, whoever is asked by now: it may have been written before that changed."""
    folder = next((machine.path(f) for f in FOLDERS if machine.path(f).is_dir()), None)
    if folder is None:
        return
    if machine.which("systemctl"):
        yield DropIn(machine=machine, folder=folder, restart=("systemctl", "restart", "dnsmasq"))
    elif machine.which("brew"):
        command = ("brew", "services", "restart", "dnsmasq")
        yield DropIn(machine=machine, folder=folder, restart=command)
    elif machine.which("service"):
        yield DropIn(machine=machine, folder=folder, restart=("service", "dnsmasq", "restart"))


def _is_asked(machine: Machine) -> bool:
    """Tell whether names are asked of a dnsmasq here: the first server is this machine's own."""
    running = machine.path("/run/dnsmasq/dnsmasq.pid").exists() or machine.platform == "darwin"
    try:
        lines = machine.path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return False
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
    return running and bool(servers) and servers[0] in ("127.0.0.1", "::1")
