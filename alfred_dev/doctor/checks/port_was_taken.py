"""A port was taken when a service started, and is free by now."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return (
        f"the port of {service.id} was taken when it started; nobody else holds it now: {line.text}"
    )


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(text="Start it again.", commands=(f"alfred-dev up {service.id}",), automatic=True)


CHECK = Check(
    code="port-was-taken",
    title="A port was taken when a service started",
    category=Category.PORTS,
    cause="another program held it for a moment, or an earlier run had not ended yet",
    fix="`alfred-dev up SERVICE`",
    depends_on=frozenset({"loopback-broken", "port-taken"}),
    rank=31,
    observe=services,
    judge=said(words.PORT, cause, fix, ended=True),
)
