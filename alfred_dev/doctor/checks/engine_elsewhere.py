"""This shell means another engine than the one that runs the services, and it does not answer."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.engine import Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT")


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find a variable, or a context, that leads to no engine."""
    if seen.elsewhere:
        shell = [key for key in VARIABLES if given.environment.get(key)]
        yield Finding(
            subject="docker",
            about=frozenset(shell),
            cause=f"{', '.join(shell) or 'the Docker context'} of this shell leads to "
            f"{seen.elsewhere}, where no engine answers; the services run in another one",
            evidence=tuple(f"{key}={given.environment[key]}" for key in shell),
            fix=Fix(
                text="Take it back: up would fail.",
                commands=(f"unset {' '.join(shell)}" if shell else "docker context use default",),
            ),
        )


CHECK = Check(
    code="engine-elsewhere",
    title="This shell means a Docker engine that does not answer",
    category=Category.DOCKER,
    cause="DOCKER_HOST or DOCKER_CONTEXT was set, or the current context changed, since `up`",
    fix="`unset DOCKER_HOST`, or `docker context use default`",
    depends_on=frozenset({"engine-down"}),
    rank=6,
    observe=containers,
    judge=judge,
)
