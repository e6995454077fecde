"""Data on disk is not whole."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import data_of, on_data, said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"the data of {service.id} is damaged: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    folder = data_of(service, given)
    away = words.remedy([line.text]) or (f"mv '{folder}' '{folder}.damaged'",)
    return Fix(
        text="Restore a copy; without one, move the data away and begin anew.",
        commands=(*on_data(service, given, *away), f"alfred-dev up {service.id}"),
    )


CHECK = Check(
    code="data-damaged",
    title="Data is damaged",
    category=Category.DATA,
    cause="a file of the data was deleted, cut or overwritten",
    fix="restore a copy, or move the data away: `mv`, then `alfred-dev up`",
    depends_on=frozenset({"data-other-version"}),
    rank=19,
    observe=services,
    judge=said(words.DAMAGED, cause, fix, ended=True),
)
