"""A configuration file, a setting or a guard refuses: no command can work."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor.checks.engine_down import is_engine
from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.errors import AlfredError, ConfigError, Problem
from alfred_dev.settings import BY_KEY

# Checks of their own say these.
ELSEWHERE = ("no-project", "no-folder", "key-missing")
COMMENT = "   ("
UNKNOWN = re.compile(r"unknown key (?P<wrong>[\w-]+) \(did you mean (?P<near>[\w-]+)\?\)")
MADE_ANEW = "alfred-dev doctor setting-missing --fix --yes"


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Say why there is no plan."""
    problem = given.problem
    if problem is None or problem.code in ELSEWHERE or is_engine(problem):
        return
    yield Finding(
        subject=problem.where or "configuration",
        cause=f"{problem.what}: {problem.cause}".replace("\n", "; "),
        evidence=_evidence(problem),
        severity=Severity.ERROR,
        fix=_fix(problem, given.root),
        everything=True,
    )


def _fix(problem: AlfredError, root: str) -> Fix:
    commands = [line.partition(COMMENT)[0] for line in problem.fix if _typed(line)]
    advice = "; ".join(line for line in problem.fix if not _typed(line))
    if isinstance(problem, ConfigError):
        known = [_correction(p) for p in problem.problems]
        commands = [line for lines in known for line in lines] if all(known) else commands
    if commands and problem.code == "file-unreadable" and problem.where == f"{root}/.env":
        commands.append(MADE_ANEW)  # what stood there is known to what runs
    return Fix(
        text=advice or "Correct it; every command says the same until then.",
        commands=tuple(dict.fromkeys(commands)),
    )


def _correction(problem: Problem) -> tuple[str, ...]:
    """Return what corrects a mistake of one line, nothing where only its author knows."""
    line, file = problem.line, problem.file
    if match := UNKNOWN.search(problem.message):
        return (f"sed -i '{line}s/{match['wrong']}/{match['near']}/' {file}",)
    if "expected KEY=VALUE" in problem.message:
        return (f"sed -i '{line}s/^/# /' {file}",)
    if "a tab; " in problem.message:
        return (f"sed -i 's/\\t/  /g' {file}",)
    key = problem.message.partition(":")[0]
    if key not in BY_KEY:
        return ()
    if file == "environment":
        return (f"unset {key}",)
    deleted = f"sed -i '{line}d' {file}"
    return (deleted, MADE_ANEW) if BY_KEY[key].generated else (deleted,)


def _evidence(problem: AlfredError) -> tuple[str, ...]:
    if isinstance(problem, ConfigError):
        return tuple(str(p) for p in problem.problems)
    return (problem.where,) if problem.where else ()


def _typed(line: str) -> bool:
    """Whether a line of a fix is a command, not advice."""
    first = line.split(" ", 1)[0].lstrip("(")
    return first in ("alfred-dev", "sudo", "chmod", "mv", "rm", "kill", "umask", "docker", "chown")


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
