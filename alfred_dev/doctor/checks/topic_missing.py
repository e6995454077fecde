"""Pub/Sub is healthy, and lacks a topic or a subscription that is declared."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.topics import Topics, topics
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Topics, given: Given) -> Iterable[Finding]:
    """Find what somebody deleted, or an emulator has lost."""
    for name, missing in seen.missing.items():
        yield Finding(
            subject=name,
            cause=f"{name} is not as declared: {missing[0]}"
            + (f", and {len(missing) - 1} more" if missing[1:] else ""),
            evidence=missing,
            fix=Fix(
                text="up makes what is missing and changes what differs; nothing restarts.",
                commands=(f"alfred-dev up {name}",),
                automatic=True,
            ),
        )


CHECK = Check(
    code="topic-missing",
    title="A declared topic or subscription is missing",
    category=Category.DRIFT,
    cause="somebody deleted or changed it, or the emulator started anew and nobody put it back: "
    "what is published to it meanwhile reaches nobody",
    fix="`alfred-dev up pubsub-emulator` makes it",
    severity=Severity.WARNING,
    depends_on=frozenset({"engine-down"}),
    rank=40,
    observe=topics,
    judge=judge,
)
