"""A file that a container mounts is not there."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.engine import Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find mounts of files that are gone; Docker makes a folder of that name."""
    for found in seen.ours:
        for path in found.lost_mounts:
            yield Finding(
                subject=found.service,
                cause=f"{found.service} mounts {path}, which is not there (or is a folder that "
                "Docker made in its place)",
                evidence=(f"{found.name} mounts {path}",),
                fix=Fix(
                    text="Have the file written anew, and the container with it.",
                    commands=(
                        f"rmdir '{path}' 2>/dev/null; docker rm --force {found.name}",
                        f"alfred-dev up {found.service}",
                    ),
                ),
            )


CHECK = Check(
    code="mount-missing",
    title="A mounted file is missing",
    category=Category.DOCKER,
    cause="a file below .alfred/render was deleted, or never written",
    fix="`alfred-dev up SERVICE`; remove the folder that Docker made in its place",
    rank=18,
    observe=containers,
    judge=judge,
)
