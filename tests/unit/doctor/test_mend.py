"""What ``--fix`` changes outside of the project is in the ledger, and is given back."""

from __future__ import annotations

from pathlib import Path

from alfred_dev.changes.machine import Machine
from alfred_dev.changes.model import Run
from alfred_dev.doctor import registry
from alfred_dev.doctor.mend import Done, mend
from alfred_dev.doctor.model import Cause, Finding, Fix, Given
from alfred_dev.doctor.scene import Scene
from alfred_dev.ledger import Ledger
from alfred_dev.pki.authority import Store
from alfred_dev.setup import act
from alfred_dev.workspace import Workspace

(FIREWALL,) = (check for check in registry.every() if check.code == "firewall")


def scene(root: Path) -> Scene:
    store = Store(root=root, shared=root, domain="localhost", ledger=Ledger(root / "ledger.json"))
    return Scene(given=Given(root=str(root), plan=None), workspace=Workspace(root), stack=None,
                 store=store)  # fmt: skip


def mended(here: Scene, *commands: str, undo: str = "", yes: bool = True) -> Done:
    fix = Fix(text="", commands=commands, undo=(undo,) if undo else ())
    cause = Cause(check=FIREWALL, finding=Finding(subject="redis", cause="c", fix=fix))
    (done,) = mend([cause], here, ask=lambda question: yes)
    return done


def ledger(here: Scene) -> Ledger:
    assert here.store is not None
    return here.store.ledger


def test_what_changes_the_machine_is_written_down_and_taken_back(tmp_path: Path) -> None:
    here = scene(tmp_path)
    assert mended(here, "grep -q firewall ledger.json && touch changed", undo="rm -r changed").ok
    (undo,) = act.undoing(Machine(), ledger(here), tmp_path, kinds=lambda _: True)
    assert undo.title == "what `doctor --fix` did about firewall"
    assert [s.argv for s in undo.steps if isinstance(s, Run)] == [("rm", "-r", "changed")]
    assert not act.is_naming(undo.entry)
    assert act.is_repair(undo.entry)


def test_what_is_within_the_project_refused_or_failed_is_not(tmp_path: Path) -> None:
    here = scene(tmp_path)
    assert mended(here, "touch file").ok
    assert not mended(here, "touch never", undo="rm never", yes=False).ok
    assert not mended(here, "false", undo="true").ok
    assert ledger(here).entries() == ()


def test_another_checkout_that_wants_it_keeps_it(tmp_path: Path) -> None:
    here, other = scene(tmp_path), tmp_path / "other"
    other.mkdir()
    act.repairing(ledger(here), other, "limits-low", ["sysctl -w a=1"])
    act.repairing(ledger(here), tmp_path, "limits-low", ["sysctl -w a=1"])
    (undo,) = act.undoing(Machine(), ledger(here), tmp_path, kinds=act.is_repair)
    assert (undo.kept_for, undo.steps) == ((str(other),), ())
