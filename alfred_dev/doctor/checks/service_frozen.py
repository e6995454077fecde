"""A process is stopped in mid-air: it holds its port and answers nobody."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services of which a process is in state T."""
    for service in seen.rows:
        if pids := service.process.frozen:
            numbers = " ".join(map(str, pids))
            yield Finding(
                subject=service.id,
                cause=f"{service.id} is frozen: a signal (Ctrl-Z, kill -STOP) or a debugger "
                f"stopped process {numbers}",
                evidence=(f"/proc/{pids[0]}/stat: state T (stopped)",),
                fix=Fix(text="Let it go on.", commands=(f"kill -CONT {numbers}",), automatic=True),
            )


CHECK = Check(
    code="service-frozen",
    title="A service is frozen",
    category=Category.SERVICES,
    cause="SIGSTOP, Ctrl-Z or a debugger stopped its process; the port stays open and silent",
    fix="`kill -CONT PID`",
    rank=20,
    observe=services,
    judge=judge,
)
