"""Somebody uses all processors."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.busy import Strained, strained
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

IDLE = 0.05
SHARE = 0.5  # of all processors, by one program
WAITING = 2.0  # tasks for each processor
CROWDED = 4.0  # the same, of many programs


def judge(look: Strained, given: Given) -> Iterable[Finding]:
    """Find a program that takes the machine for itself."""
    seen = look.busy
    hogs = [hog for hog in seen.hogs if hog.share >= SHARE * seen.processors]
    if seen.idle > IDLE or seen.waiting < WAITING:
        return
    if not hogs:
        yield from _crowd(look)
        return
    hog = hogs[0]
    pids = " ".join(map(str, hog.pids))
    mine = next((look.ours[pid] for pid in hog.pids if pid in look.ours), "")
    name = mine or hog.program
    yield Finding(
        subject=name,
        cause=f"the processors are busy: {name} (pid {pids}) uses {hog.share:.1f} of "
        f"{seen.processors}; every answer takes longer than usual",
        about=frozenset(look.late),
        severity=Severity.ERROR if look.late else Severity.WARNING,
        evidence=(f"{seen.idle:.0%} idle, {seen.waiting:.1f} tasks for each processor",),
        fix=_of_ours(mine)
        if mine
        else Fix(
            text="End it if you need it not, or wait for it.",
            commands=(f"kill {pids}",),
            manual=True,
        ),
    )


def _crowd(look: Strained) -> Iterable[Finding]:
    """Say that nobody can answer in time. What really is ill is told beside it."""
    seen = look.busy
    if look.late and seen.waiting >= CROWDED:
        yield Finding(
            subject="processors",
            cause=f"the processors are busy: {seen.waiting:.0f} tasks wait for each; what is said "
            f"to be late ({', '.join(look.late[:3])}) may be well",
            evidence=tuple(f"{hog.program} uses {hog.share:.1f}" for hog in seen.hogs[:3]),
            fix=Fix(text="Wait, or end what you do not need; then look again.",
                    commands=("alfred-dev doctor",)),
        )  # fmt: skip


def _of_ours(name: str) -> Fix:
    return Fix(
        text=f"{name} is a service of this stack: see who asks so much of it, or start it anew.",
        commands=(f"alfred-dev logs --tail 50 {name}", f"alfred-dev restart {name}"),
    )


CHECK = Check(
    code="cpu-busy",
    title="The processors are busy",
    category=Category.RESOURCES,
    severity=Severity.WARNING,
    cause="another program computes on all processors",
    fix="end it, or wait",
    rank=42,
    needs_plan=False,
    quick=False,
    observe=strained,
    judge=judge,
)
