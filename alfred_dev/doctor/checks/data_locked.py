"""Another process uses the same data."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import data_of, said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"another process holds the data of {service.id}: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text="End the process that has files open in that folder.",
        commands=(
            f"fuser -v -k '{data_of(service, given)}'/*",
            f"alfred-dev up {service.id}",
        ),
        manual=True,
    )


CHECK = Check(
    code="data-locked",
    title="Another process uses the same data",
    category=Category.DATA,
    cause="a second server runs on the folder, or an earlier one did not end",
    fix="end the other process (`fuser -v`), then `alfred-dev up SERVICE`",
    depends_on=frozenset({}),
    rank=18,
    observe=services,
    judge=said(words.LOCKED, cause, fix, ended=True),
)
