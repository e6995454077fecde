"""What was rendered: edited by hand, or merely older than the configuration."""

from __future__ import annotations

from pathlib import Path

from alfred_dev.doctor.checks import render_changed, render_old
from alfred_dev.doctor.look.files import Files, compared
from alfred_dev.workspace import Artifact, Workspace
from tests.unit.doctor.scenes import given, judged


def test_an_edited_file_is_told_from_one_that_is_old(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert compared(place, [Artifact("a", "1")]) == ((), ())  # never rendered
    place.prepare()
    place.write_render([Artifact(name, "1") for name in ("same", "old", "edited", "gone", "both")])
    (place.render / "edited").write_text("x")
    (place.render / "both").write_text("x")
    (place.render / "gone").unlink()
    plan = [Artifact("same", "1"), Artifact("old", "2"), Artifact("edited", "1"),
            Artifact("gone", "1"), Artifact("both", "2"), Artifact("new", "1")]  # fmt: skip
    edited, old = compared(place, plan)
    assert [Path(p).name for p in edited] == ["edited", "gone", "both"]
    assert [Path(p).name for p in old] == ["old", "new"]
    assert [Path(p).name for p in compared(place, ())[0]] == ["edited", "gone", "both"]


def test_without_a_note_everything_else_than_the_plan_is_old(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.prepare()
    place.write_render([Artifact("a", "1")])
    place.rendered.unlink()
    edited, old = compared(place, [Artifact("a", "2")])
    assert edited == ()
    assert [Path(p).name for p in old] == ["a"]


def test_both_are_said_of_a_stack_that_was_up() -> None:
    look = Files(edited=("/p/.alfred/render/x",), old=("/p/.alfred/render/y",))
    (found,) = judged(render_changed.CHECK, look)
    assert found.subject == ".alfred/render/x"
    (found,) = judged(render_old.CHECK, look)
    assert found.subject == "render"
    for known in (given(ever_up=False), given(guessed=True)):
        assert judged(render_old.CHECK, look, known) == []
