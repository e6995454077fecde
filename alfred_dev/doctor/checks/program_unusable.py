"""The program of a service cannot be executed."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import in_container, said, without_image
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    source = service.status.service.source.detail
    return f"the program of {service.id} ({source}) cannot run: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    if instead := without_image(service, given):
        image = service.status.service.source.path
        text = f"Correct {image} (its command, its processor); or go on without it."
        return Fix(text=text, commands=instead)
    if in_container(service, given):
        text = "What its image holds is not what was built under that name: have it made anew."
        return Fix(text=text, commands=("alfred-dev up --build",))
    return Fix(
        text="Take that program off PATH or install it again; up then takes the next best source.",
        commands=(f"alfred-dev up {service.id}",),
    )


CHECK = Check(
    code="program-unusable",
    title="A program cannot be executed",
    category=Category.SERVICES,
    cause="it is made for another processor, is not there, lacks a library, or has no entry point",
    fix="install it for this machine, or take another source (`from` in alfred.yaml)",
    depends_on=frozenset({}),
    rank=24,
    observe=services,
    judge=said(words.PROGRAM, cause, fix, ended=True),
)
