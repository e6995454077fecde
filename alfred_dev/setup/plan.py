"""Says what would change outside of the project: each change with its steps, before it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alfred_dev import names
from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Step
from alfred_dev.errors import MachineError
from alfred_dev.ledger import Entry, Ledger
from alfred_dev.names import Way
from alfred_dev.names.base import Wanted, pack, unpack
from alfred_dev.pki import trust as places
from alfred_dev.pki.trust import Authority, Place

NAMES, TRUST = "names", "trust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: what the ledger keeps of it, and what is done. ``about``: names or trust."""

    about: str
    kind: str
    target: str
    title: str
    steps: tuple[Step, ...]
    wants: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> bool:
        """Whether it takes root."""
        return any(step.root for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """What cannot be changed here: why, and what to type."""

    title: str
    why: tuple[str, ...]


def trust(
    machine: Machine, ledger: Ledger, ca: Authority, folder: Path, *, with_java: bool = False
) -> tuple[list[Change], list[Skipped]]:
    """Return a change for every place that does not trust ``ca`` yet.

    ``folder``: whose CA it is. A place that trusts it by us already is counted: no steps.
    """
    changes, skipped = [], []
    for place in places.find(machine, with_java=with_java):
        known = ledger.find(place.kind, _target(place, ca)) is not None
        if place.check(ca):
            if known:
                changes.append(_trust(place, ca, folder, ledger, ()))
        elif why := place.lacks():
            skipped.append(Skipped(title=place.title, why=why))
        else:
            changes.append(_trust(place, ca, folder, ledger, place.install(ca)))
    return changes, skipped


def _target(place: Place, ca: Authority) -> str:
    return f"{place.target} ({ca.sha256[:8].lower()})"


def _trust(
    place: Place, ca: Authority, folder: Path, ledger: Ledger, steps: tuple[Step, ...]
) -> Change:
    own = {"pem": ca.pem, "ca": str(folder), "place": place.target}
    data = {**place.record(), **_before_us(ledger, place), **own}
    return Change(
        about=TRUST,
        kind=place.kind,
        target=_target(place, ca),
        title=place.title,
        steps=steps,
        data=data,
    )


def _before_us(ledger: Ledger, place: Place) -> Mapping[str, str]:
    """Return what another CA of ours found there: what was made for that is ours as well."""
    entries = (e for e in ledger.entries() if e.kind == place.kind)
    return next((e.data for e in entries if e.data.get("place") == place.target), {})


def naming(
    machine: Machine,
    ledger: Ledger,
    root: Path,
    wanted: Wanted,
    *,
    by_dnsmasq: bool = False,
    needed: bool = True,
) -> list[Change]:
    """Return a change for every file by which ``wanted`` names do not lead here yet.

    ``needed``: whether there are names that do not. What is in place by us already is counted: no
    steps. Raises MachineError when dnsmasq is asked for, and nothing here would ask it.
    """
    changes = []
    for way in [_dnsmasq(machine)] if by_dnsmasq else names.by_hosts(machine):
        entry = ledger.find(way.kind, way.target)
        together = unpack((*_others(entry, root), *pack(wanted)))
        done = way.check(together)
        if (not done and (needed or entry)) or (done and entry):
            steps = () if done else way.install(together)
            changes.append(_naming(way, wanted, steps))
    return changes


def by_dnsmasq_already(ledger: Ledger, root: Path) -> bool:
    """Tell whether ``root`` has chosen dnsmasq, and not the hosts file beside it: then nothing
    else is proposed."""
    chosen = {e.kind for e in ledger.entries() if str(root) in e.wants}
    return bool(chosen & {"dnsmasq", "resolved", "resolver_folder"}) and "hosts_file" not in chosen


def _naming(way: Way, wanted: Wanted, steps: tuple[Step, ...]) -> Change:
    return Change(
        about=NAMES,
        kind=way.kind,
        target=way.target,
        title=way.title,
        steps=steps,
        wants=pack(wanted),
        data=way.record(),
    )


def _others(entry: Entry | None, root: Path) -> Iterable[str]:
    """Return what other checkouts want of a way already."""
    wants = entry.wants if entry is not None else {}
    return [
        text
        for other, texts in wants.items()
        if other != str(root) and Path(other).is_dir()
        for text in texts
    ]


def _dnsmasq(machine: Machine) -> Way:
    ways = names.by_dnsmasq(machine)
    instead = "alfred-dev names apply --way hosts"
    if not ways:
        raise MachineError(
            "dnsmasq-unused",
            "dnsmasq would not be asked",
            cause="this system asks no dnsmasq of its own, has no systemd-resolved that could "
            "be told to, and is no macOS",
            fix=[instead],
        )
    if why := ways[0].lacks():
        raise MachineError(
            "dnsmasq-missing", "dnsmasq cannot be used", cause=why[0], fix=[*why[1:], instead]
        )
    return ways[0]
