"""Everything is healthy by itself, and a task does not get through."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor.look.flows import Flows, flows
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

# The bodies of errors, ours and Qdrant's; one that is cut has no end.
REASON = re.compile(r'"(?:message|error)": ?"([^"{]+)')


def judge(seen: Flows, given: Given) -> Iterable[Finding]:
    """Name the hop that was not taken."""
    broken = seen.broken
    if broken is None or given.plan is None:
        return
    known = [name for name in (broken.peer, broken.service) if name in given.plan.ids]
    yield Finding(
        subject=known[0] if known else broken.service,
        cause=f"a task that was sent did not get through: the hop '{broken.hop}' "
        f"({broken.service} to {broken.peer}) did not happen{_because(broken.detail)}",
        about=seen.through,  # a hop fails for what ails any of them
        evidence=(broken.detail,),
        symptom=True,
        fix=Fix(
            text=f"Read what {broken.service} and {broken.peer} say, and send again.",
            commands=(f"alfred-dev logs {' '.join(known)}".strip(), "alfred-dev flow events -n 1"),
        ),
    )


def _because(detail: str) -> str:
    """Return the innermost reason of an answer that hands on those of others, else all of it."""
    said = REASON.findall(detail.replace("\\", ""))
    return f": {said[-1] if said else detail}"


CHECK = Check(
    code="flow-broken",
    title="A task does not get through the platform",
    category=Category.FLOWS,
    cause="one service cannot reach, or refuses, another, though each is healthy by itself",
    fix="mend the hop that is named; `alfred-dev flow events` sends again",
    depends_on=frozenset(
        {
            "disk-full",
            "disk-read-only",
            "endpoint-wrong",
            "engine-down",
            "loopback-broken",
            "postgres-connections",
            "postgres-refuses-writes",
            "redis-refuses-writes",
        }
    ),
    rank=60,
    quick=False,
    observe=flows,
    judge=judge,
)
