"""NSS: the databases of Chromium and of every Firefox profile, by ``certutil``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.changes.machine import Machine, missing_folders
from alfred_dev.changes.model import Drop, Run, Step
from alfred_dev.pki.trust.base import Authority

FILES = ("cert9.db", "key4.db", "pkcs11.txt")
ABSENT = ("could not find certificate", "SEC_ERROR_BAD_DATABASE", "PR_FILE_NOT_FOUND_ERROR")
# An empty password file: a database with a password is refused, and never asked about.
NO_PASSWORD = ("-f", "/dev/null")
TRUSTED = "C,,"  # as an authority for servers, and for nothing else
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
             "brave-browser", "microsoft-edge", "vivaldi")  # fmt: skip
SHARED = (
    ".pki/nssdb",
    ".local/share/pki/nssdb",
    "snap/chromium/current/.pki/nssdb",
    ".var/app/org.chromium.Chromium/.pki/nssdb",
    ".var/app/com.google.Chrome/.pki/nssdb",
    ".var/app/com.brave.Browser/.pki/nssdb",
)
FIREFOX = (
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    "snap/firefox/common/.config/mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox",
    "Library/Application Support/Firefox/Profiles",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database. It may not exist yet: then it is made, and goes with us."""

    machine: Machine
    folder: Path
    title: str
    kind: str = "nss"

    @property
    def target(self) -> str:
        """Its folder."""
        return str(self.folder)

    def lacks(self) -> tuple[str, ...]:
        """Say how to get ``certutil``, where it is missing."""
        if self.machine.which("certutil"):
            return ()
        install = self.machine.packages("libnss3-tools", "nss-tools", "nss")
        return ("certutil is not here", install or "install certutil, of NSS")

    def check(self, ca: Authority) -> bool:
        """Tell whether it has the CA, trusted for servers."""
        if not (self.folder / FILES[0]).exists():
            return False
        listed = self.machine.ask([*self._certutil("-L")]).text.splitlines()
        trusted = any(row.split() == [*ca.nickname.split(), TRUSTED] for row in listed)
        return trusted and ca.is_in(self.machine.ask(
            [*self._certutil("-L"), "-n", ca.nickname, "-a"]).text)  # fmt: skip

    def record(self) -> Mapping[str, str]:
        """Remember whether the database is ours, with its folders."""
        if (self.folder / FILES[0]).exists():
            return {}
        return {"made": "yes", "folders": "\n".join(missing_folders(self.folder / "x"))}

    def install(self, ca: Authority) -> tuple[Step, ...]:
        """Make the database where there is none; add the CA."""
        add = (*self._certutil("-A"), "-t", TRUSTED, "-n", ca.nickname, "-i", str(ca.path))
        steps: list[Step] = []
        if not (self.folder / FILES[0]).exists():
            steps.append(Run(argv=("mkdir", "-p", "-m", "700", self.target)))
            steps.append(Run(argv=("certutil", "-N", "-d", self._name, "--empty-password")))
        return (*steps, Run(argv=add))

    def uninstall(self, ca: Authority, record: Mapping[str, str]) -> tuple[Step, ...]:
        """Delete the CA; the database too, when we made it and nobody else put anything there."""
        if not (self.folder / FILES[0]).exists():
            return self._drop_files(record) if "made" in record else ()
        delete = (*self._certutil("-D"), "-n", ca.nickname)
        steps: tuple[Step, ...] = (Run(argv=delete, tolerated=ABSENT),)
        if "made" in record and self._only(ca):
            steps += self._drop_files(record)
        return steps

    def _drop_files(self, record: Mapping[str, str]) -> tuple[Step, ...]:
        folders = tuple(record.get("folders", "").splitlines())
        paths = [str(self.folder / name) for name in FILES]
        return tuple(Drop(path=path, folders=folders if path == paths[-1] else ())
                     for path in paths)  # fmt: skip

    def _only(self, ca: Authority) -> bool:
        rows = self.machine.ask(self._certutil("-L")).text.splitlines()
        entries = [row for row in rows if row.rstrip().count(",") >= 2 and "SSL,S/MIME" not in row]
        keys = self.machine.ask(self._certutil("-K"))
        return all(row.startswith(f"{ca.nickname} ") for row in entries) and "no keys" in keys.text

    @property
    def _name(self) -> str:
        return f"sql:{self.folder}"

    def _certutil(self, verb: str) -> tuple[str, ...]:
        return ("certutil", verb, "-d", self._name, *NO_PASSWORD)


def find(machine: Machine) -> Iterator[Database]:
    """Yield every database there is; where a Chromium has none yet, that which it would make."""
    shared = [machine.home / name for name in SHARED]
    found = [folder for folder in shared if (folder / FILES[0]).is_file()]
    plain = [machine.home / name for name in SHARED[:2]]
    if not any(f in found for f in plain) and any(map(machine.which, CHROMIUMS)):
        found.insert(0, plain[0])
    for folder in found:
        yield database(machine, folder)
    for name in FIREFOX:
        for file in sorted((machine.home / name).glob(f"*/{FILES[0]}")):
            yield database(machine, file.parent)


def database(machine: Machine, folder: Path) -> Database:
    """Return the database in ``folder``."""
    inside = folder.is_relative_to(machine.home)
    short = f"~/{folder.relative_to(machine.home)}" if inside else str(folder)
    browser = "Chromium" if folder.name == "nssdb" else "Firefox"
    return Database(machine=machine, folder=folder, title=f"{browser} ({short})")
