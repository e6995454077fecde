"""A service could not start a thread or a process."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} may not start more processes or threads: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text="Raise the limit of processes in this shell, and start it anew from it.",
        commands=("ulimit -u $(ulimit -Hu)", f"alfred-dev restart {service.id}"),
    )


CHECK = Check(
    code="too-many-threads",
    title="No more processes can be started",
    category=Category.RESOURCES,
    cause="`ulimit -u`, a limit of the container, or the kernel's",
    fix="raise `ulimit -u`, end what is not needed; `alfred-dev restart SERVICE`",
    depends_on=frozenset({"limit-inherited"}),
    rank=28,
    observe=services,
    judge=said(words.THREADS, cause, fix, ended=True),
)
