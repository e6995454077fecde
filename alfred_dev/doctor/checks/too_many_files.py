"""A service has, or wants, more files open than it may."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import unwell
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.doctor.seen import Process, Services

NEARLY = 0.9


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services at their limit of open files, and those that said so."""
    for service in seen.rows:
        process = service.process
        near = process.files_limit and process.files >= NEARLY * process.files_limit
        line = words.found(service, words.FILES) if service in [*unwell(seen)] else None
        if not near and line is None:
            continue
        yield Finding(
            subject=service.id,
            cause=f"{service.id} has {process.files} files open and may have "
            f"{process.files_limit}" if near else f"{service.id} ran out of open files",
            evidence=(line.text,) if line else (
                f"/proc: {process.files} descriptors, soft limit {process.files_limit}",),
            severity=Severity.ERROR if service.ill or _none_left(process) else Severity.WARNING,
            fix=Fix(
                text="Raise the limit in this shell, and start the services anew from it.",
                commands=("ulimit -n $(ulimit -Hn)", "alfred-dev down && alfred-dev up"),
            ),
        )  # fmt: skip


def _none_left(process: Process) -> bool:
    """Tell whether the next request is one too many: it takes a connection, and asks others."""
    return 0 < process.files_limit <= process.files + 1


CHECK = Check(
    code="too-many-open-files",
    title="A service may not open more files",
    category=Category.RESOURCES,
    cause="`ulimit -n` of the shell that ran `up` is small, or the service leaks descriptors",
    fix="`ulimit -n 4096`, then `alfred-dev down && alfred-dev up`",
    depends_on=frozenset({"engine-down"}),
    rank=21,
    observe=services,
    judge=judge,
)
