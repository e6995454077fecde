"""A service accepts connections and never answers."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.probe.base import Reason


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that run, listen, and did not answer in time."""
    for service in seen.ill:
        silent = service.ports_with(Reason.TIMEOUT)
        if service.runs and silent:
            ports = ", ".join(str(e.endpoint.port) for e in silent)
            yield Finding(
                subject=service.id,
                cause=f"{service.id} runs and accepts connections on port {ports}, "
                "and answers none of them: it hangs, or is too slow",
                evidence=tuple(e.detail for e in silent) + service.said[-2:],
                fix=_fix(service),
                symptom=not _alone(service.id, seen),
            )


def _fix(service: Service) -> Fix:
    if service.status.service.by_developer:
        return Fix(text="It is your own process: see what it waits for, or start it anew.")
    return Fix(text=f"Restart {service.id}.", commands=(restart(service.id),), automatic=True)


def _alone(name: str, seen: Services) -> bool:
    """Whether everything below it is well: then the silence is its own."""
    return not seen[name].status.blocked_by


CHECK = Check(
    code="service-silent",
    title="A service accepts connections and does not answer",
    category=Category.SERVICES,
    cause="the process hangs, waits for something, or the machine is too slow",
    fix="`alfred-dev restart SERVICE`; look for what hogs the machine",
    depends_on=frozenset(
        {
            "limit-inherited",
            "container-paused",
            "container-network",
            "container-throttled",
            "service-frozen",
            "firewall",
            "cpu-busy",
            "engine-down",
            "slow-link",
            "memory-low",
            "loopback-broken",
            "disk-full",
            "too-many-open-files",
            "disk-read-only",
        }
    ),  # fmt: skip
    rank=48,
    observe=services,
    judge=judge,
)
