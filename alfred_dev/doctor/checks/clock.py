"""The clock of this machine went back."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

FAR_S = 30.0
DAY_S = 86400


def judge(seen: Machine, given: Given) -> Iterable[Finding]:
    """Find files of ours that were written in the future."""
    if seen.future_s > FAR_S:
        yield Finding(
            subject="clock",
            cause=f"the clock of this machine is wrong, or went back: a file that we wrote lies "
            f"{_span(seen.future_s)} in the future; tokens and certificates fail by that",
            evidence=(f"the newest file below .alfred is {seen.future_s:.0f} s ahead",),
            fix=Fix(
                text="Set the clock (WSL 2: `sudo hwclock -s`, or `wsl --shutdown` in Windows).",
                commands=(f"{given.sudo}timedatectl set-ntp true",),
                undo=("timedatectl set-ntp false",),
            ),
        )


def _span(seconds: float) -> str:
    """Return a time as a person would say it."""
    for unit, name in ((DAY_S, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


CHECK = Check(
    code="clock-wrong",
    title="The clock is wrong",
    category=Category.HOST,
    cause="it stood still while the machine slept (WSL 2), or was set by hand",
    fix="`sudo timedatectl set-ntp true`; WSL 2: `sudo hwclock -s`",
    rank=7,
    needs_plan=False,
    observe=machine,
    judge=judge,
)
