"""The Docker engine of this checkout does not answer, or cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.errors import AlfredError

# The codes of errors that an engine is to blame for.
CODES = ("engine-", "compose-", "docker-", "no-context", "runtime-")


def is_engine(problem: AlfredError | None) -> bool:
    """Tell whether a problem is one of the engine, not of the configuration."""
    return problem is not None and problem.code.startswith(CODES)


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Say why the engine cannot be asked, and what variables of this shell have to do with it."""
    problem = given.problem
    if problem is None or not is_engine(problem):
        return
    shell = [k for k in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_API_VERSION")
             if given.environment.get(k)]  # fmt: skip
    commands = [line.partition("   (")[0] for line in problem.fix]
    yield Finding(
        subject="docker",
        cause=f"{problem.what}: {problem.cause}"
        + (f"; {', '.join(shell)} of this shell says where to look" if shell else ""),
        evidence=tuple(f"{key}={given.environment[key]}" for key in shell) or (problem.cause,),
        fix=Fix(
            text="; ".join(problem.fix),
            commands=(f"unset {' '.join(shell)}",) if shell else tuple(commands[:1]),
        ),
        everything=True,
    )


CHECK = Check(
    code="engine-down",
    title="The Docker engine cannot be used",
    category=Category.DOCKER,
    cause="it is stopped, a variable points elsewhere, this user may not ask it, or it is too old",
    fix="`sudo systemctl start docker`; `unset DOCKER_HOST`; `alfred-dev up --runtime process`",
    rank=4,
    needs_plan=False,
    observe=configuration,
    judge=judge,
)
