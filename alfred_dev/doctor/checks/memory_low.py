"""There is little memory left for what was selected."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

LOW = 400 << 20


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find a machine that swaps, or is about to."""
    free = seen.memory_available
    if free is not None and free < LOW:
        yield Finding(
            subject="memory",
            cause=f"only {free >> 20} MB of memory are left on this machine",
            evidence=(f"MemAvailable: {free >> 20} MB of {(seen.memory_total or 0) >> 20} MB",),
            fix=Fix(
                text="Close something, or start less.",
                commands=("ps -eo pid,rss,comm --sort=-rss | head -10",
                          "alfred-dev down && alfred-dev up --profile core"),
            ),
        )  # fmt: skip


CHECK = Check(
    code="memory-low",
    title="Little memory is left",
    category=Category.RESOURCES,
    severity=Severity.WARNING,
    cause="the machine has too little memory for all that runs on it",
    fix="close something, or `alfred-dev up --profile core`",
    rank=56,
    needs_plan=False,
    observe=machine,
    judge=judge,
)
