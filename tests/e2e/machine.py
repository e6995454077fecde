"""A machine of one's own: /etc and the system's trust store are copies in a mount namespace."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout

COPIED = ("/etc", "/usr/local/share/ca-certificates")
# A handful of the system's authorities is enough, and makes its slow program quick.
AUTHORITIES = 9
START = """
upper=$(mktemp -d); mount -t tmpfs none "$upper"
for folder in {folders}; do
  own="$upper/$(echo "$folder" | tr / _)"; mkdir -p "$own/new" "$own/work"
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$own/new,workdir=$own/work" "$folder"
done
some=$(grep '^[^#!]' /etc/ca-certificates.conf | head -n {authorities})
echo "$some" > /etc/ca-certificates.conf
rm -f /usr/local/share/ca-certificates/*
update-ca-certificates --fresh --hooksdir /nowhere >/dev/null 2>&1
echo ready
exec cat
"""


@dataclass(frozen=True)
class OwnMachine:
    """``pid``: the process that keeps the namespace."""

    pid: int

    def command(self, argv: Sequence[str], folder: Path) -> list[str]:
        namespace = f"--mount=/proc/{self.pid}/ns/mnt"
        return ["nsenter", namespace, "env", "-C", str(folder), *argv]

    def run(self, *argv: str) -> str:
        command = self.command(argv, Path("/"))
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def state(self) -> str:
        """Everything that is in the copied folders, but for times."""
        archive = ["tar", "--sort=name", "--mtime=@0", "-cf", "-", *COPIED]
        done = subprocess.run(self.command(archive, Path("/")), capture_output=True, check=True)
        return hashlib.sha256(done.stdout).hexdigest()

    def checkout(self, root: Path, **environment: str) -> Checkout:
        made = Checkout.make(root, **environment)
        return _Inside(made.root, made.environment, self)


@dataclass(frozen=True)
class _Inside(Checkout):
    """A checkout whose commands see that machine."""

    machine: OwnMachine | None = None

    def command(self, *arguments: str) -> list[str]:
        assert self.machine is not None
        return self.machine.command(super().command(*arguments), self.root)


@contextmanager
def own_machine() -> Iterator[OwnMachine]:
    """Make one, or skip."""
    if os.geteuid() != 0 or shutil.which("update-ca-certificates") is None:
        pytest.skip("needs root on Debian or Ubuntu")
    script = START.format(folders=" ".join(COPIED), authorities=AUTHORITIES)
    keeper = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-ec", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert keeper.stdout is not None
        if keeper.stdout.readline() != "ready\n":
            pytest.skip("no overlay mounts here")
        yield OwnMachine(keeper.pid)
    finally:
        keeper.communicate()
