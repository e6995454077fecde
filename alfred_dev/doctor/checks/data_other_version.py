"""Data on disk is of another version of the engine."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import data_of, on_data, said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"the data of {service.id} is of another version than its program: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    folder = data_of(service, given)
    return Fix(
        text="To keep the rows, dump them with the old version. To begin anew, move the data away.",
        commands=(
            *on_data(service, given, f"mv '{folder}' '{folder}.old'"),
            f"alfred-dev up {service.id}",
        ),
    )


CHECK = Check(
    code="data-other-version",
    title="Data was written by another version",
    category=Category.DATA,
    cause="the engine was upgraded or downgraded, its data was not",
    fix="dump with the old version and restore, or move the data away: `mv`, then `alfred-dev up`",
    depends_on=frozenset({}),
    rank=17,
    observe=services,
    judge=said(words.OTHER_VERSION, cause, fix, ended=True),
)
