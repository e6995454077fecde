"""Atomic writes, private modes, project root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alfred_dev.errors import MachineError, UsageError
from alfred_dev.workspace import (
    Artifact,
    Workspace,
    delete_tree,
    digest,
    find_root,
    make_private_folder,
    read_bytes,
    write,
)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_write_is_private_and_says_whether_it_changed_anything(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert write(path, b"1") is True
    assert write(path, b"1") is False
    assert mode(path) == 0o600
    path.chmod(0o644)
    assert write(path, b"1") is True
    assert mode(path) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    write(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError) as caught:
        write(path, b"new")
    assert caught.value.code == "disk-full"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert path.read_bytes() == b"old"


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(UsageError):
        write(tmp_path / "link", b"secret")
    assert (tmp_path / "target").read_text() == "mine"


def test_rendering_prunes_only_the_render_folder(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.prepare()
    (place.data / "kept").write_text("x")
    place.write_render([Artifact("a/one", "1"), Artifact("two", "2")])
    place.write_render([Artifact("two", "3")])
    files = sorted(str(p.relative_to(place.home)) for p in place.home.rglob("*") if p.is_file())
    assert files == ["data/kept", "render/two", "rendered.json"]
    assert mode(place.home) == mode(place.render) == 0o700


def test_what_a_container_mounts_can_be_looked_into_below_the_closed_folder(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.write_render([Artifact("a/b/shown", "1", mode=0o644), Artifact("c/own", "2")])
    assert [mode(place.render / p) for p in ("", "a", "a/b", "a/b/shown", "c", "c/own")] == [
        0o700, 0o755, 0o755, 0o644, 0o700, 0o600,
    ]  # fmt: skip


def test_a_folder_is_made_private_even_when_it_was_not(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o755)
    make_private_folder(tmp_path / "d")
    assert mode(tmp_path / "d") == 0o700


def test_reading_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    assert read_bytes(tmp_path / "none") is None
    with pytest.raises(UsageError):
        read_bytes(tmp_path)


def test_deleting_twice_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    delete_tree(tmp_path / "d")
    delete_tree(tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_the_project_is_different_for_every_folder(tmp_path: Path) -> None:
    assert Workspace(tmp_path / "a").project != Workspace(tmp_path / "b").project


class TestRoot:
    """Where a command belongs to, from where it is typed."""

    def test_the_nearest_alfred_yaml_upward(self, tmp_path: Path) -> None:
        (tmp_path / "p" / "deep" / "er").mkdir(parents=True)
        (tmp_path / "p" / "alfred.yaml").touch()
        found = find_root(tmp_path / "p" / "deep" / "er", tmp_path / "none", tmp_path / "home")
        assert found == tmp_path / "p"

    def test_it_stops_at_the_git_root(self, tmp_path: Path) -> None:
        (tmp_path / "alfred.yaml").touch()
        (tmp_path / "repo" / ".git").mkdir(parents=True)
        (tmp_path / "repo" / "src").mkdir()
        with pytest.raises(UsageError):
            find_root(tmp_path / "repo" / "src", tmp_path / "none", tmp_path / "home")

    def test_it_stops_at_home(self, tmp_path: Path) -> None:
        (tmp_path / "alfred.yaml").touch()
        (tmp_path / "home" / "x").mkdir(parents=True)
        with pytest.raises(UsageError):
            find_root(tmp_path / "home" / "x", tmp_path / "none", tmp_path / "home")

    def test_else_the_clone_that_the_program_runs_from(self, tmp_path: Path) -> None:
        clone = tmp_path / "clone"
        (clone / "scripts").mkdir(parents=True)
        (clone / "scripts" / "alfred-dev").touch()
        (clone / "alfred_dev").mkdir()
        (tmp_path / "elsewhere").mkdir()
        assert find_root(tmp_path / "elsewhere", clone, tmp_path / "home") == clone


def test_what_was_rendered_is_written_down(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.prepare()
    assert place.noted_render() == {}
    place.write_render([Artifact("a", "1"), Artifact("b", "2")])
    place.note_render([Artifact("b", "3")], place.noted_render())
    assert place.noted_render() == {"a": digest(b"1"), "b": digest(b"3")}
    place.write_render([Artifact("b", "3")])
    assert place.noted_render() == {"b": digest(b"3")}
    place.rendered.write_text("{")
    assert place.noted_render() == {}
