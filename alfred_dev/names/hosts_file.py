"""The hosts file: one marked block, each name with its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes import block, files
from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Block, Step
from alfred_dev.names.base import ADDRESSES, IPV4, Wanted

HOSTS = "/etc/hosts"


def entries(wanted: Wanted) -> tuple[str, ...]:
    """Return the lines for what is wanted. One name a line: Windows reads no more than nine."""
    both = [f"{address}\t{name}" for name in wanted.names for address in ADDRESSES]
    return (*both, *(f"{IPV4}\t{name}" for name in wanted.plain))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsFile:
    """This system's hosts file."""

    path: Path
    kind: str = "hosts_file"
    title: str = "the hosts file"

    @property
    def target(self) -> str:
        """The file."""
        return str(self.path)

    def lacks(self) -> tuple[str, ...]:
        """Nothing: where it cannot be written, the step says why."""
        return ()

    def check(self, wanted: Wanted) -> bool:
        """Tell whether the block has every name."""
        try:
            have = set(block.lines(self.path.read_bytes()))
        except OSError:
            return False
        return have >= {line.encode() for line in entries(wanted)}

    def record(self) -> Mapping[str, str]:
        """Nothing to remember: the block says itself what it changed."""
        return {}

    def install(self, wanted: Wanted) -> tuple[Step, ...]:
        """Write the block."""
        return self.steps(entries(wanted))

    def uninstall(self, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Remove the block. Nothing where there is none: for that nobody has to be root."""
        return () if self._is_clean() else self.steps(())

    def _is_clean(self) -> bool:
        target = self.path.resolve()
        try:
            data = target.read_bytes() if target.exists() else b""
        except OSError:
            return False
        return block.drop(data) == data and files.is_swept(target)

    def steps(self, lines: tuple[str, ...]) -> tuple[Step, ...]:
        """Return how the file comes to have exactly ``lines`` of ours."""
        return (Block(path=self.target, lines=lines, root=True),)


def find(machine: Machine) -> Iterator[HostsFile]:
    """Yield the hosts file."""
    yield HostsFile(path=machine.path(HOSTS))


def rivals(path: Path, names: Iterable[str]) -> list[str]:
    """Return each line of the file that leads one of ``names`` elsewhere, and where it stands."""
    wanted = set(names)
    try:
        lines = path.read_text("latin-1").splitlines()
    except OSError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        address, *others = line.partition("#")[0].split() or [""]
        stolen = sorted(wanted & set(others))
        if stolen and address not in ADDRESSES:
            found.append(
                f"{path}:{number} leads {', '.join(stolen)} to {address}: delete that line"
            )
    return found
