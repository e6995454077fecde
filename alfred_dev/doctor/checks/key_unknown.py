"""A key of a .env file is one slip away from a setting."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find keys that nobody reads, though somebody meant them to be."""
    assert given.plan is not None  # noqa: S101 - it needs a plan
    for stray in given.plan.settings.strays:
        where, _, said = stray.partition(": ")
        file, _, line = where.partition(":")
        near = said.rpartition("did you mean ")[2].rstrip("?)")
        wrong = said.removeprefix("nobody reads ").split(" ")[0]
        yield Finding(
            subject=where,
            cause=said,
            evidence=(stray,),
            fix=Fix(
                text=f"Name it {near}.",
                commands=(f"sed -i '{line}s/{wrong}/{near}/' {file}", "alfred-dev up"),
            ),
        )


CHECK = Check(
    code="key-unknown",
    title="A setting is misspelt",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="a .env file has a key that nobody reads, and that looks like one of ours",
    fix="correct its name",
    depends_on=frozenset({"config-invalid"}),
    rank=62,
    observe=configuration,
    judge=judge,
)
