"""A service was ended by a signal that the kernel's shortage of memory does not explain."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services

OF_ITSELF = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS")


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that a signal ended."""
    for service in seen.ill:
        signal = next((w for w in service.ending.split() if w.startswith("SIG")), "")
        if not service.ended or not signal:
            continue
        crashed = signal in OF_ITSELF
        yield Finding(
            subject=service.id,
            cause=f"{service.id} crashed ({signal})" if crashed
            else f"somebody ended {service.id} from outside ({signal})",
            evidence=(f"{service.id}: {service.ending}", *service.said[-3:]),
            fix=Fix(
                text=f"Start {service.id} again.",
                # A restart begins the count of starts anew.
                commands=(
                    restart(service.id)
                    if service.status.running.restarts
                    else f"alfred-dev up {service.id}",
                ),
                automatic=True,
            ),
        )  # fmt: skip


CHECK = Check(
    code="killed",
    title="A signal ended a service",
    category=Category.SERVICES,
    cause="`kill`, a cleaning script, or a crash inside the program",
    fix="`alfred-dev up SERVICE`",
    depends_on=frozenset(
        {"limit-inherited", "out-of-memory", "supervisor-lost", "engine-down", "service-stopped"}
    ),
    rank=44,
    observe=services,
    judge=judge,
)
