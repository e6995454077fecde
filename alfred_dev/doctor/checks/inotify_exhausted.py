"""A service may not watch more files."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} may not watch more files: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text="Raise the limits of this machine.",
        commands=(
            f"{given.sudo}sysctl -w fs.inotify.max_user_instances=512 "
            "fs.inotify.max_user_watches=524288",
            f"alfred-dev up {service.id}",
        ),
    )


CHECK = Check(
    code="inotify-exhausted",
    title="No more files can be watched",
    category=Category.RESOURCES,
    cause="fs.inotify.max_user_instances or max_user_watches is used up",
    fix="`sysctl -w fs.inotify.max_user_instances=512`",
    depends_on=frozenset({}),
    rank=21,
    observe=services,
    judge=said(words.INOTIFY, cause, fix, ended=True),
)
