"""A service refuses a setting, or lacks one."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} does not start with what it is told: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text=f"Correct the variable in .env or under services.{service.id}.env in alfred.yaml.",
        commands=(f"alfred-dev up {service.id}",),
    )


CHECK = Check(
    code="setting-refused",
    title="A service refuses its configuration",
    category=Category.CONFIG,
    cause="a variable that it needs is empty, or has a value that it does not take",
    fix="correct it in .env or alfred.yaml, then `alfred-dev up SERVICE`",
    # Not on config-invalid nor setting-missing: with those nothing is started, so who speaks was
    # started before.
    rank=23,
    observe=services,
    judge=said(words.SETTING, cause, fix, ended=True),
)
