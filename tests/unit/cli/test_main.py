"""Only the commands that were named are read."""

from __future__ import annotations

import subprocess
import sys

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
# As asyncio.run: Ctrl-C meets a loop that is not whole yet, and closing it fails.
INTERRUPTED = """
import sys
from alfred_dev.cli import main, stack

class Half:
    def __init__(self):
        raise KeyboardInterrupt
    def __del__(self):
        raise AttributeError("it was never whole")

def half():
    with stack.interruptible():
        Half()

main.app.command("half")(half)
sys.argv = ["alfred-dev", "half"]
main.main()
"""


def test_an_interruption_shows_no_traceback_of_what_it_met() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert done.returncode == 130
    assert "what was started goes on running" in done.stderr
    assert "Traceback" not in done.stderr


def test_typer_names_them_as_we_do() -> None:
    assert set(typer.main.get_group(main.app).commands) == EVERY
    assert {"up", "ps", "exec", "apikey", "lint"} <= EVERY


@pytest.mark.parametrize("name", sorted(EVERY))
def test_one_was_named(name: str) -> None:
    assert kept(["--json", name, "redis"]) == {name}


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["upp"]])
def test_none_was_named(words: list[str]) -> None:
    assert kept(words) == EVERY
