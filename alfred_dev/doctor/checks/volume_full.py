"""A service found no room for its data."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    if words.SHARED.search(line.text):
        return f"{service.id} found no room for shared memory, in /dev/shm: {line.text}"
    return f"{service.id} found no room for its data: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    if words.SHARED.search(line.text):
        return Fix(
            text="Give /dev/shm more room (in a container: shm_size), or free some.",
            commands=(
                "df -h /dev/shm",
                f"{given.sudo}mount -o remount,size=50% /dev/shm",
                f"alfred-dev up {service.id}",
            ),
        )
    return Fix(
        text="Free some space where its data lies.",
        commands=(f"df -h '{given.root}/.alfred/data' /tmp", f"alfred-dev up {service.id}"),
    )


CHECK = Check(
    code="volume-full",
    title="The volume of a service is full",
    category=Category.DATA,
    cause="its volume, quota or disk has no room left, though the disk of the project has",
    fix="free some space there, then `alfred-dev up SERVICE`",
    depends_on=frozenset({"disk-full"}),
    rank=19,
    observe=services,
    judge=said(words.DISK, cause, fix, ended=True),
)
