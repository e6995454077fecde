"""Machines in a folder: what their programs answer is given, what is asked is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alfred_dev.changes.machine import Machine, Said


@dataclass
class Programs:
    """``answers``: the beginning of a command line -> what it says; ``asked``: all that was."""

    answers: Mapping[str, Said] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def which(self, name: str) -> str | None:
        known = {line.split()[0] for line in self.answers}
        return name if name in known else None

    def ask(self, argv: Sequence[str]) -> Said:
        line = " ".join(argv)
        self.asked.append(line)
        fitting = [begin for begin in self.answers if line.startswith(begin)]
        return self.answers[max(fitting, key=len)] if fitting else Said(127, "not found")


def machine(
    root: Path, programs: Programs, *, platform: str = "linux", **environment: str
) -> Machine:
    home = root / "home"
    home.mkdir(parents=True, exist_ok=True)
    return Machine(
        root=root,
        home=home,
        environment=environment,
        platform=platform,
        which=programs.which,
        ask=programs.ask,
    )
