"""Real servers are found by name; here they are empty executables in temporary folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alfred_dev.host.binaries import Program, find, which


def executable(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def path_of(*folders: Path | str) -> str:
    return os.pathsep.join(str(folder) for folder in folders)


def test_the_first_program_of_the_list_wins_whatever_the_folder(tmp_path: Path) -> None:
    wanted = executable(tmp_path / "b" / "first")
    executable(tmp_path / "a" / "second")
    path = path_of(tmp_path / "a", tmp_path / "b")
    assert find(["first", "second"], beside={}, path=path) == Program(path=str(wanted))


def test_the_first_folder_of_the_path_wins(tmp_path: Path) -> None:
    wanted = executable(tmp_path / "a" / "server")
    executable(tmp_path / "b" / "server")
    assert which("server", path_of(tmp_path / "a", tmp_path / "b")) == wanted


def test_nothing_found_names_what_was_looked_for(tmp_path: Path) -> None:
    assert find(["mailpit", "mailhog"], beside={}, path=str(tmp_path)) == (
        "no mailpit or mailhog on PATH"
    )


def test_what_cannot_be_executed_is_not_a_program(tmp_path: Path) -> None:
    executable(tmp_path / "server", mode=0o644)
    (tmp_path / "folder").mkdir()
    assert which("server", str(tmp_path)) is None
    assert which("folder", str(tmp_path)) is None


def test_relative_and_empty_entries_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "server")
    monkeypatch.chdir(tmp_path)
    assert which("server", path_of("", ".")) is None
    assert which("server", "") is None


def test_a_program_beside_another_is_found_through_symbolic_links(tmp_path: Path) -> None:
    executable(tmp_path / "sdk" / "bin" / "gcloud")
    emulator = executable(tmp_path / "sdk" / "platform" / "emulator")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gcloud").symlink_to("../sdk/bin/gcloud")
    found = find(
        ["emulator"], beside={"gcloud": "../platform/emulator"}, path=str(tmp_path / "bin")
    )
    assert found == Program(path=str(emulator))


def test_a_neighbour_without_it_has_nothing(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "gcloud")
    found = find(["emulator"], beside={"gcloud": "../emulator"}, path=str(tmp_path / "bin"))
    assert found == "no emulator on PATH"


def test_what_it_requires_must_be_there_too(tmp_path: Path) -> None:
    server = executable(tmp_path / "emulator")
    assert find(["emulator"], beside={}, requires=["java"], path=str(tmp_path)) == (
        "emulator was found, but java is not on PATH"
    )
    executable(tmp_path / "java")
    assert find(["emulator"], beside={}, requires=["java"], path=str(tmp_path)) == Program(
        path=str(server)
    )


def test_the_first_home_that_exists_is_taken(tmp_path: Path) -> None:
    server = executable(tmp_path / "grafana")
    home = [str(tmp_path / "none"), str(tmp_path)]
    assert find(["grafana"], beside={}, home=home, path=str(tmp_path)) == Program(
        path=str(server), home=str(tmp_path)
    )
    assert find(["grafana"], beside={}, home=home[:1], path=str(tmp_path)) == (
        f"grafana was found, but its folder is not: {home[0]}"
    )
