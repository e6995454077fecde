"""setup: names and trust in one confirmed step; and taking changes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.cli.certs import Java
from alfred_dev.cli.names import ByWay, How
from alfred_dev.report.command import typed

if TYPE_CHECKING:
    from alfred_dev.ledger import Entry
    from alfred_dev.setup.plan import Change, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is to be done, and what cannot."""

    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]

    @property
    def visible(self) -> tuple[Change, ...]:
        """The changes of this machine; the others are noted in the ledger alone."""
        return tuple(change for change in self.changes if change.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was changed, what is missing all the same, and what cannot be changed here."""

    made: tuple[Change, ...]
    left: tuple[Change, ...]
    skipped: tuple[Skipped, ...]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(setup)


def setup(
    check: Annotated[
        bool, typer.Option("--check", help="Say what is missing; exit 1 if anything is.")
    ] = False,
    way: How = ByWay.AUTO,
    java: Java = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Have names lead to this machine, and it trust our CA: shows each change, and asks once."""
    if not check:
        return run(
            naming=True, trust=True, way=way, java=java, yes=yes, as_json=as_json, command="setup"
        )
    from alfred_dev.report import json as report_json
    from alfred_dev.report import security

    found = pending(naming=True, trust=True, way=way, java=java)
    astray = () if found.visible else _astray()
    if as_json:
        document = security.setup(found.visible, found.skipped, done=False, command="setup")
        ok = document["ok"] and not astray
        report_json.emit({**document, "ok": ok, "astray": list(astray)})
    elif found.visible:
        print("Missing:", *security.changes(found.visible), sep="\n")
        print(typed("Next: alfred-dev setup"))
    elif astray:
        print(f"All is in place, but {len(astray)} names do not lead here, {astray[0]} for one.")
        print(typed("Next: alfred-dev names check   (dnsmasq of our own: alfred-dev up)"))
    else:
        print("Nothing is missing: all names lead here, and all that we know trusts our CA.")
    raise typer.Exit(1 if found.visible or astray else 0)


def _astray() -> tuple[str, ...]:
    """Return the names that lead elsewhere, whatever was set up."""
    from alfred_dev import projectfile
    from alfred_dev.cli import authority, session

    return authority.astray(projectfile.loaded(session.workspace()))


def run(
    *,
    naming: bool,
    trust: bool,
    way: ByWay = ByWay.AUTO,
    java: bool = False,
    yes: bool,
    as_json: bool,
    command: str,
) -> None:
    """Show what would change, ask, change it, and say what came of it."""
    from alfred_dev.report import json as report_json
    from alfred_dev.report import security

    done = perform(naming=naming, trust=trust, way=way, java=java, yes=yes, command=command)
    if as_json:
        name = command.replace(" ", "-")
        report_json.emit(security.setup(done.made, done.skipped, done=not done.left, command=name))
    elif done.left:
        print("Done, but this is still missing:", *(f"  {c.title}" for c in done.left), sep="\n")
    elif done.made:
        print(*(f"done   {change.about:<6} {change.title}" for change in done.made), sep="\n")
    else:
        print("Nothing to do.")
    raise typer.Exit(1 if done.left else 0)


def perform(
    *,
    naming: bool,
    trust: bool,
    way: ByWay = ByWay.AUTO,
    java: bool = False,
    yes: bool,
    command: str,
) -> Done:
    """Show what would change, ask, and change it."""
    from alfred_dev import projectfile
    from alfred_dev.changes.machine import Machine
    from alfred_dev.cli import authority, session
    from alfred_dev.names import helper as dns
    from alfred_dev.pki.trust import java as java_place
    from alfred_dev.report import security
    from alfred_dev.setup import act

    found = pending(naming=naming, trust=trust, way=way, java=java)
    for line in security.skipped(found.skipped):
        session.note(f"left out: {line}")
    if any(change.kind == "java" for change in found.visible):
        session.note(f"warning: {java_place.WARNING}")
    if found.visible:
        _confirm(found, yes=yes, command=command)
    place, ledger = session.workspace(), authority.ledger_of_user()
    act.make(found.changes, Machine(), ledger, place.root, session.note)
    if trust:
        store = authority.store(place, projectfile.loaded(place).project)
        authority.forget_stale_trust(Machine(), store, session.note)
    if any(change.kind in dns.KINDS for change in found.visible):
        session.note("our own dnsmasq answers while the stack is up: alfred-dev up")
    left = pending(naming=naming, trust=trust, way=way, java=java).visible if found.visible else ()
    return Done(made=found.visible, left=left, skipped=found.skipped)


def _confirm(found: Pending, *, yes: bool, command: str) -> None:
    import sys

    from alfred_dev.cli.stack import confirm
    from alfred_dev.report import security

    print("This changes the machine outside of the project:", file=sys.stderr)
    print(*security.changes(found.visible), sep="\n", file=sys.stderr)
    print(typed("`alfred-dev uninstall` takes all of it back."), file=sys.stderr)
    confirm(
        f"Make these changes ({len(found.visible)})?",
        yes=yes,
        command=f"alfred-dev {command} --yes",
    )


def pending(*, naming: bool, trust: bool, way: ByWay = ByWay.AUTO, java: bool = False) -> Pending:
    """Look, and return what is missing. Makes the CA if there is none: it is what is trusted."""
    from alfred_dev import projectfile
    from alfred_dev.changes.machine import Machine
    from alfred_dev.cli import authority, session
    from alfred_dev.setup import plan

    place = session.workspace()
    found = projectfile.loaded(place)
    machine, ledger = Machine(), authority.ledger_of_user()
    changes: list[Change] = []
    skipped: list[Skipped] = []
    if naming:
        before = way is ByWay.AUTO and plan.by_dnsmasq_already(ledger, place.root)
        changes += plan.naming(
            machine,
            ledger,
            place.root,
            authority.wanted(place, found),
            by_dnsmasq=before or way is ByWay.DNSMASQ,
            needed=way is not ByWay.AUTO or not authority.all_resolve(found),
        )
    if trust:
        store = authority.with_ca(place, found)
        trusting, skipped = plan.trust(
            machine, ledger, authority.of_places(store), store.ca_folder, with_java=java
        )
        changes += trusting
    return Pending(changes=tuple(changes), skipped=tuple(skipped))


def take_back(kinds: Callable[[Entry], bool], *, yes: bool, command: str) -> None:
    """Show what this checkout has changed, ask, and take it back."""
    from alfred_dev.changes.machine import Machine
    from alfred_dev.cli import authority, session
    from alfred_dev.cli.stack import confirm
    from alfred_dev.report import security
    from alfred_dev.setup import act

    machine, ledger, root = Machine(), authority.ledger_of_user(), session.workspace().root
    undos = act.undoing(machine, ledger, root, kinds=kinds)
    if not undos:
        print("There is nothing to take back.")
        return
    for line in security.undos(undos):
        session.note(line)
    confirm("Take that back?", yes=yes, command=command)
    act.undo(undos, machine, ledger, root, session.note)
    print(*(f"kept   {u.title}" if u.kept_for else f"undone {u.title}" for u in undos), sep="\n")
