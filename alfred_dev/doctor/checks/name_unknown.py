"""A service looks for a host that nobody knows."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} looks for a host that does not resolve: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text=f"Correct the variable of {service.id} that holds this name, then start it anew.",
        commands=("alfred-dev config show", f"alfred-dev restart {service.id}"),
    )


CHECK = Check(
    code="name-unknown",
    title="A service looks for a name that does not resolve",
    category=Category.NETWORK,
    cause="a variable of it names a host that is not there, or its container has left the network",
    fix="correct the variable; `alfred-dev up SERVICE`",
    depends_on=frozenset({"container-network", "endpoint-wrong", "engine-down"}),
    rank=27,
    observe=services,
    judge=said(words.NAME, cause, fix),
)
