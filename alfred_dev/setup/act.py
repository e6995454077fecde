"""Makes changes, and takes them back. Each is in the ledger before its first step."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from alfred_dev import names
from alfred_dev.changes.elevate import carry_out
from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Run, Step
from alfred_dev.ledger import Entry, Ledger
from alfred_dev.names.base import unpack
from alfred_dev.pki import authority
from alfred_dev.pki import trust as places
from alfred_dev.pki.trust import Authority
from alfred_dev.setup.plan import Change
from alfred_dev.workspace import write

Tell = Callable[[str], None]
REPAIR = "repair"
# What would be given back may be gone by itself: a limit, a rule of the firewall, after a reboot.
WHATEVER_IT_SAYS = ("",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How one change is taken back. ``kept_for``: checkouts that still want it."""

    entry: Entry
    title: str
    steps: tuple[Step, ...]
    kept_for: tuple[str, ...] = ()


def make(
    changes: Iterable[Change], machine: Machine, ledger: Ledger, root: Path, tell: Tell
) -> None:
    """Write ``changes`` into the ledger, then make them; root's share by one command."""
    made = list(changes)
    for change in made:
        ledger.begin(change.kind, change.target, root, wants=change.wants, data=change.data)
    steps = [step for change in made for step in change.steps]
    carry_out(steps, ledger.file.parent, machine.environment, tell)


def repairing(ledger: Ledger, root: Path, code: str, undo: Iterable[str]) -> Entry:
    """Write down that the doctor is about to change the machine; return the entry.

    ``code``: of its finding; ``undo``: the commands that take it back, without sudo.
    """
    lines = "\n".join(undo)
    return ledger.begin(REPAIR, lines, root, data={"undo": lines, "code": code})


def undoing(
    machine: Machine, ledger: Ledger, root: Path | None, *, kinds: Callable[[Entry], bool]
) -> list[Undo]:
    """Return how ``root``'s changes are taken back, the newest first; None: everybody's."""
    entries = ledger.of(root) if root is not None else tuple(reversed(ledger.entries()))
    return [_undo(machine, ledger, entry, root) for entry in entries if kinds(entry)]


def undo(
    undos: Iterable[Undo], machine: Machine, ledger: Ledger, root: Path | None, tell: Tell
) -> None:
    """Take changes back, and strike them out. Raises MachineError; what is left stays written."""
    wanted = list(undos)
    for one in wanted:
        ledger.release(one.entry, root)
    steps = [step for one in wanted for step in one.steps]
    carry_out(steps, ledger.file.parent, machine.environment, tell)
    for one in wanted:
        if is_ca(one.entry) and not one.kept_for:
            authority.delete_ca(Path(one.entry.target))
        if is_trust(one.entry):
            _copy(ledger, Authority(one.entry.data["pem"], Path())).unlink(missing_ok=True)
        ledger.forget(one.entry)


def is_trust(entry: Entry) -> bool:
    """Tell whether a change made somebody trust our CA."""
    return "pem" in entry.data


def is_ca(entry: Entry) -> bool:
    """Tell whether it is the CA itself."""
    return entry.kind == authority.LEDGER_KIND


def is_naming(entry: Entry) -> bool:
    """Tell whether it leads names to this machine."""
    return not is_trust(entry) and not is_ca(entry) and not is_repair(entry)


def is_repair(entry: Entry) -> bool:
    """Tell whether ``doctor --fix`` made it."""
    return entry.kind == REPAIR


def _undo(machine: Machine, ledger: Ledger, entry: Entry, root: Path | None) -> Undo:
    alive = {k: v for k, v in entry.wants.items() if Path(k).is_dir()}
    others = {k: v for k, v in alive.items() if root is not None and k != str(root)}
    kept = tuple(others)
    if is_ca(entry):
        return Undo(entry=entry, title=f"the CA in {entry.target}", steps=(), kept_for=kept)
    if is_trust(entry):
        return _untrust(machine, ledger, entry, kept)
    if is_repair(entry):
        return _as_it_was(entry, kept)
    way = names.way_of(machine, entry.kind, entry.target)
    if way is None:
        return Undo(entry=entry, title=f"{entry.target} (gone already)", steps=(), kept_for=kept)
    rest = unpack([text for texts in others.values() for text in texts])
    steps = way.install(rest) if others else way.uninstall(entry.data)
    return Undo(entry=entry, title=way.title, steps=steps, kept_for=kept)


def _as_it_was(entry: Entry, kept: tuple[str, ...]) -> Undo:
    lines = entry.data["undo"].splitlines()
    steps = tuple(
        Run(argv=tuple(shlex.split(line)), tolerated=WHATEVER_IT_SAYS, root=True) for line in lines
    )
    title = f"what `doctor --fix` did about {entry.data['code']}"
    return Undo(entry=entry, title=title, steps=() if kept else steps, kept_for=kept)


def _untrust(machine: Machine, ledger: Ledger, entry: Entry, kept: tuple[str, ...]) -> Undo:
    target = entry.data["place"]
    place = places.place_of(machine, entry.kind, target, entry.data)
    if place is None or kept:
        title = place.title if place else f"{target} (gone already)"
        return Undo(entry=entry, title=title, steps=(), kept_for=kept)
    ca = Authority(entry.data["pem"], _copy(ledger, Authority(entry.data["pem"], Path())))
    write(ca.path, ca.pem.encode())  # the CA itself may be gone; macOS takes back a file's trust
    return Undo(entry=entry, title=place.title, steps=place.uninstall(ca, entry.data))


def _copy(ledger: Ledger, ca: Authority) -> Path:
    return ledger.file.parent / f"{ca.stem}.pem"
