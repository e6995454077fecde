"""Redis answers, and takes no writes."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.stores import NO_PLACE, Stores, stores
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.probe.base import Reason

MEANS = (
    ("MISCONF", "it cannot save to its disk"),
    ("OOM", "it has reached its limit of memory"),
    ("READONLY", "it was made a replica of another server"),
    ("NOREPLICAS", "it was told to wait for replicas that are not there"),
    ("LOADING", "it is still loading its data"),
    ("NOPERM", "the user may not write"),
    (NO_PLACE, "it takes no more clients"),
)


def judge(seen: Stores, given: Given) -> Iterable[Finding]:
    """Find a Redis that refused a key of one millisecond."""
    for name, result in seen.writes.items():
        if not result.ok and result.reason is not Reason.OTHER:  # that is this machine's word
            why = next((text for word, text in MEANS if word in result.detail), "it says why")
            what = "clients" if NO_PLACE in result.detail else "writes"
            yield Finding(
                subject=name,
                cause=f"{name} answers but refuses {what}: {why} ({result.detail})",
                evidence=(f"SET: {result.detail}",),
                fix=Fix(
                    text="Restart it: what was set while it ran is forgotten. "
                    "If it says so again, its disk or its memory is at fault.",
                    commands=(restart(name),),
                    automatic=True,
                ),
            )


CHECK = Check(
    code="redis-refuses-writes",
    title="Redis refuses writes",
    category=Category.DATA,
    cause="its disk is full or not writable, its memory limit is reached, or CONFIG SET changed it",
    fix="mend the disk or the limit, then `alfred-dev restart redis`",
    depends_on=frozenset({"data-deleted", "disk-full", "disk-read-only", "engine-down"}),
    rank=29,
    quick=False,
    observe=stores,
    judge=judge,
)
