"""Containers that nobody keeps any more, and health checks that are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alfred_dev.doctor.look.engine import Containers
from alfred_dev.doctor.look.health import Alarms, alarms
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Alarms, given: Given) -> Iterable[Finding]:
    """Find orphans, guests on our network, false alarms and logs without a limit."""
    yield from _false_alarms(seen)
    yield from _strangers(seen.containers)


def _strangers(seen: Containers) -> Iterator[Finding]:
    for found in seen.orphans:
        yield Finding(
            subject=found.service or found.name,
            cause=f"the container {found.name} has this checkout's label, and no service of the "
            "plan has it",
            evidence=(f"{found.name}: {found.state}",),
            fix=Fix(text="Remove it.", commands=(f"docker rm --force {found.name}",)),
        )
    for found in seen.guests:
        yield Finding(
            subject=found.name,
            cause=f"the container {found.name} is not ours and is on our network {seen.network}",
            evidence=(f"{found.name}: {found.state}",),
            fix=Fix(
                text="Take it off the network.",
                commands=(f"docker network disconnect --force {seen.network} {found.name}",),
                manual=True,
            ),
        )


def _false_alarms(seen: Alarms) -> Iterator[Finding]:
    for found in seen.containers.ours:
        if found.service in seen.wrong:
            yield Finding(
                subject=found.service,
                cause=f"Docker calls {found.service} unhealthy, and it answers as it should: its "
                "health check is wrong, not the service",
                evidence=(seen.wrong[found.service],),
                fix=Fix(text=f"Mend or drop the check: services.{found.service}.container.health.",
                        commands=(f"docker inspect {found.name}",)),
            )  # fmt: skip


CHECK = Check(
    code="container-untidy",
    title="A container is left over, foreign, or falsely called unhealthy",
    category=Category.DOCKER,
    severity=Severity.WARNING,
    cause="a service was renamed, somebody used our network, or a health check lacks its program",
    fix="`docker rm --force NAME`; correct the check",
    depends_on=frozenset({"name-shared"}),
    rank=65,
    quick=False,
    observe=alarms,
    judge=judge,
)
