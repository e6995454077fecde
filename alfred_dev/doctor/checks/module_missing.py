"""A service's own code lacks a library."""

from __future__ import annotations

from alfred_dev.container_sources import OURS
from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import anew, in_container, said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} cannot start: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    ours = service.status.service.source.kind in OURS
    if ours and in_container(service, given):
        return Fix(text="Have our image made anew.", commands=("alfred-dev up --build",))
    spec = service.status.running.spec
    return anew(spec.argv[0] if spec else "", service.id)


CHECK = Check(
    code="module-missing",
    title="A library is missing",
    category=Category.SERVICES,
    cause="the environment of the service is incomplete",
    fix="`rm -rf .venv` in the clone, then `alfred-dev up`; in Docker `alfred-dev up --build`",
    depends_on=frozenset({}),
    rank=25,
    observe=services,
    judge=said(words.MODULE, cause, fix, ended=True),
)
