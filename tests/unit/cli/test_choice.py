"""Which runtime runs something now."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from alfred_dev.cli import choice, examine, planning
from alfred_dev.errors import MachineError
from alfred_dev.runtime import memory
from alfred_dev.workspace import Workspace


def test_an_engine_that_is_gone_is_in_the_way_of_no_local_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise MachineError("engine-down", "it does not answer", cause="no socket")

    idle = SimpleNamespace(records=lambda: None)
    monkeypatch.setattr(choice, "process_runtime", lambda _: idle)
    monkeypatch.setattr(choice, "of", gone)
    choice.refuse_other(Workspace(tmp_path), "process", print)
    with pytest.raises(MachineError):
        choice.every(Workspace(tmp_path), print)


def test_what_runs_is_what_is_shown_whatever_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, said = Workspace(tmp_path), list[str]()
    assert choice.shown(place, "docker", said.append) == "docker"  # nothing was ever started
    choice.remember_processes(place)
    monkeypatch.setattr(choice, "of", lambda *_: [])
    monkeypatch.setattr(choice, "process_runtime", lambda _: SimpleNamespace(records=lambda: None))
    assert choice.shown(place, "docker", said.append) == "docker"
    monkeypatch.setattr(choice, "process_runtime", lambda _: SimpleNamespace(records=dict))
    assert choice.shown(place, "docker", said.append) == "process"
    assert said == [
        "this checkout runs in the process runtime; ALFRED_RUNTIME=docker counts after "
        "`alfred-dev down`"
    ]


def test_containers_are_looked_at_where_alfred_yaml_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def plan(**known: object) -> SimpleNamespace:
        return SimpleNamespace(stack=lambda slot: (known["engine"], slot))

    def engine(*known: object, **_: object) -> str:
        asked.append(str(known[1]))
        return "an engine"

    monkeypatch.setattr(planning, "Planning", plan)
    monkeypatch.setattr(choice, "opened", engine)
    place = Workspace(tmp_path)
    place.prepare()
    memory.save(place, memory.Memory(runtime="docker"))
    (tmp_path / "alfred.yaml").write_text("services: 5\n")
    guessed: object = examine._guess(place)
    assert guessed == ("an engine", 0)
    assert asked == ["docker"]
