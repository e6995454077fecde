"""The steps that changes are made of, as data: shown to the user, and sent to root's helper.

Every step can be done again without harm, and says in one line what it does.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Write a file of our own. Folders that are missing are made."""

    path: str
    text: str
    root: bool = False

    def __str__(self) -> str:
        return f"write {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Delete a file of our own, and ``folders`` if they are empty then."""

    path: str
    folders: tuple[str, ...] = ()
    root: bool = False

    def __str__(self) -> str:
        return f"delete {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Have the marked block in somebody else's file hold exactly ``lines``; none removes it."""

    path: str
    lines: tuple[str, ...]
    root: bool = False

    def __str__(self) -> str:
        if not self.lines:
            return f"remove our block from {self.path}"
        return f"have {len(self.lines)} lines in a marked block of {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run a program. ``tolerated``: words in its complaint that mean there was nothing to do."""

    argv: tuple[str, ...]
    tolerated: tuple[str, ...] = ()
    root: bool = False

    def __str__(self) -> str:
        return f"run {shlex.join(self.argv)}"


Step = Put | Drop | Block | Run
KINDS: Mapping[str, Callable[..., Step]] = {kind.__name__: kind for kind in (Put, Drop, Block, Run)}


def to_rows(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Return steps as plain data."""
    return [{"do": type(step).__name__, **asdict(step)} for step in steps]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Return steps from plain data. Raises ValueError."""
    try:
        return tuple(_step(row) for row in rows)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these are no steps: {error}") from error


def _step(row: Mapping[str, Any]) -> Step:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items() if k != "do"}
    return KINDS[row["do"]](**values)
