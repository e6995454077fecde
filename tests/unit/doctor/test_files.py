"""What was rendered: edited by hand, or older than the configuration; what was deleted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from alfred_dev.doctor.checks import data_deleted, render_changed, render_old, socket_deleted
from alfred_dev.doctor.look import kept
from alfred_dev.doctor.look.files import Files, compared
from alfred_dev.doctor.seen import Process
from alfred_dev.workspace import Artifact, Workspace
from tests.unit.doctor.scenes import given, judged, seen


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
    shutil.rmtree(place.render)
    assert len(compared(place, plan)[0]) == 5  # the whole folder was deleted


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


def test_data_that_was_deleted_under_a_service_is_named(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.prepare()
    mine = seen(processes={"redis": Process(pids=(os.getpid(),))})
    folder = place.data / "redis"
    assert not kept._kept(mine, place).data  # it holds nothing of it
    folder.mkdir()
    with (folder / "aof").open("w"):
        assert not kept._kept(mine, place).data
        shutil.rmtree(folder)
        look = kept._kept(mine, place)
    (found,) = judged(data_deleted.CHECK, look)
    assert found.subject == "redis"
    assert found.evidence == (f"redis holds {folder}/aof, which is deleted",)


def test_sockets_that_were_deleted_are_named() -> None:
    look = kept.Kept(doors=("/p/.alfred/run/gateway/admin.sock",))
    (found,) = judged(socket_deleted.CHECK, look)
    assert found.cause.startswith(".alfred/run/gateway/admin.sock was deleted")
    assert judged(socket_deleted.CHECK, kept.Kept()) == []
