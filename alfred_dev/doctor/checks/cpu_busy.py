"""Somebody uses all processors."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.busy import Busy, busy
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

IDLE = 0.05
SHARE = 0.4


def judge(seen: Busy, given: Given) -> Iterable[Finding]:
    """Find hogs on a machine that has no time left."""
    hogs = [hog for hog in seen.hogs if hog.share >= SHARE]
    if seen.idle > IDLE or not hogs or seen.waiting < 1.5:
        return
    names = ", ".join(f"{h.program} (pid {h.pid}, {h.share:.0%} of a core)" for h in hogs)
    yield Finding(
        subject=hogs[0].program,
        cause=f"the processors are busy: {names}; every answer takes longer than usual",
        evidence=(f"{seen.idle:.0%} idle, {seen.waiting:.1f} tasks for each processor",),
        fix=Fix(
            text="End what you need not, or wait for it.",
            commands=(f"kill {' '.join(str(h.pid) for h in hogs)}",),
        ),
    )


CHECK = Check(
    code="cpu-busy",
    title="The processors are busy",
    category=Category.RESOURCES,
    severity=Severity.WARNING,
    cause="another program computes on all processors",
    fix="end it, or wait",
    rank=57,
    needs_plan=False,
    quick=False,
    observe=busy,
    judge=judge,
)
