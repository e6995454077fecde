"""Only the commands that were named are read."""

from __future__ import annotations

import pytest
import typer

from alfred_dev.cli import main


def kept(words: list[str]) -> set[str]:
    app = typer.Typer()
    app.registered_commands = main.app.registered_commands
    app.registered_groups = main.app.registered_groups
    main.keep_only(app, words)
    return main.commands(app)


EVERY = kept([])


def test_typer_names_them_as_we_do() -> None:
    assert set(typer.main.get_group(main.app).commands) == EVERY
    assert {"up", "ps", "exec", "apikey", "lint"} <= EVERY


@pytest.mark.parametrize("name", sorted(EVERY))
def test_one_was_named(name: str) -> None:
    assert kept(["--json", name, "redis"]) == {name}


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["upp"]])
def test_none_was_named(words: list[str]) -> None:
    assert kept(words) == EVERY
