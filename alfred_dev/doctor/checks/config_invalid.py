"""A configuration file, a setting or a guard refuses: no command can work."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.errors import AlfredError, ConfigError

NO_PROJECT = ("no-project", "no-folder")
COMMENT = "   ("


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Say why there is no plan."""
    problem = given.problem
    if problem is None or problem.code in NO_PROJECT:
        return
    yield Finding(
        subject=problem.where or "configuration",
        cause=f"{problem.what}: {problem.cause}".replace("\n", "; "),
        evidence=_evidence(problem),
        severity=Severity.ERROR,
        fix=Fix(
            text="; ".join(line for line in problem.fix if not _typed(line))
            or f"Correct it ({problem.code}); every command says the same until then.",
            commands=tuple(line.partition(COMMENT)[0] for line in problem.fix if _typed(line)),
        ),
        everything=True,
    )


def _evidence(problem: AlfredError) -> tuple[str, ...]:
    if isinstance(problem, ConfigError):
        return tuple(str(p) for p in problem.problems)
    return (problem.where,) if problem.where else ()


def _typed(line: str) -> bool:
    """Whether a line of a fix is a command, not advice."""
    first = line.split(" ", 1)[0]
    return first in ("alfred-dev", "sudo", "chmod", "mv", "rm", "kill", "iconv", "docker", "chown")


CHECK = Check(
    code="config-invalid",
    title="The configuration cannot be used",
    category=Category.CONFIG,
    cause="alfred.yaml or a .env file says what cannot be, or a guard refuses it",
    fix="correct what the message names, by file and line; `alfred-dev config validate`",
    rank=1,
    needs_plan=False,
    observe=configuration,
    judge=judge,
)
