"""The kernel, or the program itself, ran out of memory."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import container_of, in_container, unwell
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service, Services

LIMIT = "its limit is"


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find services that were killed for memory, or said that they got none."""
    for service in unwell(seen):
        line = words.found(service, words.MEMORY)
        killed = service.ended and _by_kernel(service, seen)
        if killed or (line and service.ended):
            yield Finding(
                subject=service.id,
                cause=f"{service.id} ran out of memory ({service.ending or 'it said so'})",
                evidence=(line.text if line else f"{service.id}: {service.ending}",),
                fix=_fix(service, given),
            )


def _fix(service: Service, given: Given) -> Fix:
    if in_container(service, given) and LIMIT in service.ending:
        return Fix(
            text="Make its container anew, with the limit that it should have; data stays.",
            commands=(
                f"docker rm --force {container_of(service, given)}",
                f"alfred-dev up {service.id}",
            ),
        )
    return Fix(
        text="Close what uses the memory, or start less; then start it again.",
        commands=("free -m", f"alfred-dev up {service.id}"),
    )


def _by_kernel(service: Service, seen: Services) -> bool:
    memory = "memory" in service.ending.lower() or "oom" in service.ending.lower()
    since = seen.oom_kills > service.status.running.memory_kills >= 0
    return memory or ("SIGKILL" in service.ending and since)


CHECK = Check(
    code="out-of-memory",
    title="A service ran out of memory",
    category=Category.RESOURCES,
    cause="the machine, or the limit that the service has, is too small for it",
    fix="start less (`alfred-dev up --profile core`), or raise the limit in alfred.yaml",
    depends_on=frozenset({"limit-inherited", "engine-down"}),
    rank=22,
    observe=services,
    judge=judge,
)
