"""A container is paused: its port is open and nobody answers."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.engine import Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find containers that `docker pause` stopped in mid-air."""
    for found in seen.ours:
        if found.state == "paused":
            yield Finding(
                subject=found.service,
                cause=f"{found.service} is paused (docker pause): it holds its port and answers "
                "nobody",
                evidence=(f"{found.name}: paused",),
                fix=Fix(
                    text="Let it go on.",
                    commands=(f"docker unpause {found.name}",),
                    automatic=True,
                ),
            )


CHECK = Check(
    code="container-paused",
    title="A container is paused",
    category=Category.DOCKER,
    cause="`docker pause`, or Docker Desktop's resource saver",
    fix="`docker unpause NAME`",
    rank=20,
    observe=containers,
    judge=judge,
)
