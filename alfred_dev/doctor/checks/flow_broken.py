"""Everything is healthy by itself, and a task does not get through."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import anew, restart
from alfred_dev.doctor.look.flows import Flows, flows
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.flow.model import Broken

# The bodies of errors, ours and Qdrant's; one that is cut has no end.
PLAIN = re.compile(r'"(?:message|error)": ?"((?:[^"\\{]|\\")+)"')
REASON = re.compile(r'"(?:message|error)": ?"([^"{]+)')


def judge(seen: Flows, given: Given) -> Iterable[Finding]:
    """Name the hop that was not taken."""
    broken = seen.broken
    if broken is None or given.plan is None:
        return
    names = (broken.peer, broken.service)
    known = [name for name in dict.fromkeys(names) if name in given.plan.ids]
    if seen.ended:
        yield _ended(seen)
        return
    lacks = next((m[0] for text in seen.said[::-1] if (m := words.MODULE.search(text))), "")
    if lacks and broken.service in known:
        yield _lacking(broken, lacks, seen.python)
        return
    yield Finding(
        subject=known[0] if known else broken.service,
        cause=f"a task that was sent did not get through: the hop '{broken.hop}' "
        f"({broken.service} to {broken.peer}) did not happen{_because(broken.detail)}",
        about=seen.through,  # a hop fails for what ails any of them
        evidence=(broken.detail, *_telling(seen.said)),
        symptom=True,
        fix=Fix(
            text=f"Read what {' and '.join(dict.fromkeys(names))} say, and send again.",
            commands=(f"alfred-dev logs {' '.join(known)}".strip(), "alfred-dev flow events -n 1"),
        ),
    )


def _telling(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in lines if words.TELLING.search(line)))[:3]


def _ended(seen: Flows) -> Finding:
    """Say who ended while the task was under way: that nobody answered follows from it."""
    name, how = next(iter(seen.ended.items()))
    return Finding(
        subject=name,
        about=frozenset(seen.ended),
        cause=f"{name} ended while a task was sent through it{f' ({how})' if how else ''}: a crash "
        "of its program, a broken library, or a kill",
        evidence=seen.said[-3:],
        fix=Fix(
            text="Read what it said; if it does so again, its program or its libraries are broken.",
            commands=(f"alfred-dev logs --tail 50 {name}", restart(name)),
        ),
    )


def _lacking(broken: Broken, lacks: str, python: str) -> Finding:
    return Finding(
        subject=broken.service,
        cause=f"{broken.service} runs, and cannot do what it is asked for: {lacks}",
        evidence=(broken.detail,),
        fix=anew(python, broken.service),
    )


def _because(detail: str) -> str:
    """Return the innermost reason of an answer that hands on those of others, else all of it."""
    plain = [text.replace('\\"', '"') for text in PLAIN.findall(detail)]
    said = plain or REASON.findall(detail.replace("\\", ""))
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
            "too-many-open-files",
        }
    ),
    rank=60,
    quick=False,
    observe=flows,
    judge=judge,
)
