"""What every place of trust has: check, install, uninstall. One file a place."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alfred_dev.changes.machine import Machine, missing_folders
from alfred_dev.changes.model import Drop, Put, Run, Step


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA as the places know it. ``path``: a file that holds it, for programs that want one."""

    pem: str
    path: Path

    @property
    def body(self) -> str:
        """The certificate in base64 without line ends: how it is found in the text of others."""
        inner = self.pem.partition("-----BEGIN CERTIFICATE-----")[2]
        return "".join(inner.partition("-----END CERTIFICATE-----")[0].split())

    @property
    def sha256(self) -> str:
        """Fingerprint, upper-case hex."""
        return hashlib.sha256(base64.b64decode(self.body)).hexdigest().upper()

    @property
    def sha1(self) -> str:
        """What Windows calls the thumbprint, upper-case hex."""
        der = base64.b64decode(self.body)
        return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()

    @property
    def nickname(self) -> str:
        """A name for people and for databases; another CA has another."""
        return f"alfred-dev local CA {self.sha256[:8].lower()}"

    @property
    def stem(self) -> str:
        """The same for files."""
        return f"alfred-dev-{self.sha256[:8].lower()}"

    def is_in(self, text: str) -> bool:
        """Tell whether the certificate stands in ``text``, PEM with any line ends."""
        return self.body in "".join(text.split())


class Place(Protocol):
    """A store of trusted authorities."""

    @property
    def kind(self) -> str:
        """Who can undo it: the name of its file."""

    @property
    def target(self) -> str:
        """What is changed: a folder, a file, a store."""

    @property
    def title(self) -> str:
        """For people: who trusts by it."""

    def lacks(self) -> tuple[str, ...]:
        """Return why it cannot be changed, and what to type; empty when it can."""

    def check(self, ca: Authority) -> bool:
        """Tell whether ``ca`` is trusted."""

    def record(self) -> Mapping[str, str]:
        """Return what undoing takes to know of the place as it is before us."""

    def install(self, ca: Authority) -> tuple[Step, ...]:
        """Return the steps that make ``ca`` trusted."""

    def uninstall(self, ca: Authority, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Return the steps that make it as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """A Linux system's own store: a folder of anchors, and a program that reads it."""

    machine: Machine
    kind: str
    title: str
    folder: str
    suffix: str
    bundle: str
    add: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def target(self) -> str:
        """The folder of anchors."""
        return str(self.machine.path(self.folder))

    def file(self, ca: Authority) -> Path:
        """Return where the CA's certificate lies."""
        return Path(self.target) / f"{ca.stem}{self.suffix}"

    def lacks(self) -> tuple[str, ...]:
        """Nothing: a place without its program is not found at all."""
        return ()

    def check(self, ca: Authority) -> bool:
        """Tell whether the anchor is there, and in the bundle that is made of all anchors."""
        bundle = self.machine.path(self.bundle)
        try:
            return ca.is_in(self.file(ca).read_text()) and ca.is_in(bundle.read_text("latin-1"))
        except OSError:
            return False

    def record(self) -> Mapping[str, str]:
        """Remember which folders are ours."""
        return {"folders": "\n".join(missing_folders(Path(self.target) / "x"))}

    def install(self, ca: Authority) -> tuple[Step, ...]:
        """Put the anchor, then have the system read it."""
        put = Put(path=str(self.file(ca)), text=ca.pem, root=True)
        return (put, Run(argv=self.add, root=True))

    def uninstall(self, ca: Authority, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete the anchor, then have the system forget it.

        Nothing where it never came to that: for nothing nobody has to be root.
        """
        folders = tuple(record.get("folders", "").splitlines())
        if self._is_clean(ca, folders):
            return ()
        drop = Drop(path=str(self.file(ca)), folders=folders, root=True)
        return (drop, Run(argv=self.remove, root=True))

    def _is_clean(self, ca: Authority, folders: tuple[str, ...]) -> bool:
        file, bundle = self.file(ca), self.machine.path(self.bundle)
        half = file.parent.glob(f".{file.name}.*")  # what a kill left of writing it
        link = bundle.parent / f"{ca.stem}.pem"
        if any(path.exists() or path.is_symlink() for path in (file, link, *half)):
            return False
        try:
            known = bundle.exists() and ca.is_in(bundle.read_text("latin-1"))
        except OSError:
            return False
        return not known and not any(Path(folder).exists() for folder in folders)
