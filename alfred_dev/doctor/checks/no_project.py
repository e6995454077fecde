"""This folder belongs to no project."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

CODES = ("no-project", "no-folder")


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Say where a project is missing; the machine is looked at all the same."""
    problem = given.problem
    if problem is not None and problem.code in CODES:
        yield Finding(
            subject="project",
            cause=f"{problem.what}: {problem.cause}",
            fix=Fix(
                text="Go into your clone of alfred-dev, or make this folder a project.",
                commands=("alfred-dev init",),
            ),
        )


CHECK = Check(
    code="no-project",
    title="This folder belongs to no project",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="neither this folder nor one above it is a clone of alfred-dev or has an alfred.yaml",
    fix="`cd` into your clone, or `alfred-dev init`",
    rank=1,
    needs_plan=False,
    observe=configuration,
    judge=judge,
)
