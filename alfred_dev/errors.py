"""Everything that can go wrong and is told to the user, in one tree.

    AlfredError             exit 1   it ran and found something wrong
    ├── UsageError          exit 2   wrong usage or configuration, or refused by a guard
    │   └── ConfigError     exit 2   a file says something that cannot be (many problems at once)
    ├── MachineError        exit 3   the machine lacks something: tool, privilege, port
    ├── WaitTimeoutError    exit 4   time ran out while waiting
    ├── TunnelError         exit 5   a tunnel could not be opened
    └── InterruptedByUser   exit 130 Ctrl-C

Every error carries what happened, the cause, and what to type. Only ``cli/main.py`` catches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class AlfredError(Exception):
    """It ran and found something wrong.

    ``code`` is stable kebab-case, for programs; ``fix`` is one line a step; ``where`` is
    ``file:line`` or ``file:line:column`` when a file is to blame.
    """

    exit_code = 1

    def __init__(
        self, code: str, what: str, *, cause: str, fix: Iterable[str] = (), where: str | None = None
    ) -> None:
        super().__init__(f"{what}: {cause}")
        self.code, self.what, self.cause = code, what, cause
        self.fix = tuple(fix)
        self.where = where


class UsageError(AlfredError):
    """Wrong usage or configuration, or refused by a guard; nothing was started."""

    exit_code = 2


class MachineError(AlfredError):
    """The machine lacks something: an engine, a privilege, a tool, a free port."""

    exit_code = 3


class WaitTimeoutError(AlfredError):
    """Time ran out while waiting."""

    exit_code = 4


class TunnelError(AlfredError):
    """A tunnel could not be opened, or is lost; nothing is shown to the world."""

    exit_code = 5


class InterruptedByUser(AlfredError):  # noqa: N818 - the user's wish, not a mistake
    """Ctrl-C. What was started goes on running."""

    exit_code = 130


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in one file. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(UsageError):
    """One or more mistakes in configuration files, all reported at once."""

    def __init__(self, what: str, problems: Iterable[Problem], *, fix: Iterable[str] = ()) -> None:
        self.problems = tuple(sorted(problems))
        first = self.problems[0]
        super().__init__(
            "config-invalid",
            what,
            cause="\n".join(str(problem) for problem in self.problems),
            fix=fix,
            where=f"{first.file}:{first.line}:{first.column}",
        )
