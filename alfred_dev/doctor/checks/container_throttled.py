"""A container may use a part of a processor only: somebody gave it a limit by hand."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.checks.container_network import recreate
from alfred_dev.doctor.look.engine import Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find limits that we never set; of a service that is well all the same it is a warning."""
    for found in seen.ours:
        if found.cpus and found.state == "running":
            ill = seen.services[found.service].ill
            yield Finding(
                subject=found.service,
                cause=f"{found.service} may use {found.cpus:g} of a processor only: alfred-dev "
                "sets no such limit, `docker update` or another program did",
                evidence=(f"{found.name}: cpus {found.cpus:g}",),
                severity=Severity.ERROR if ill else Severity.WARNING,
                fix=Fix(text="Make its container anew; data stays.", commands=recreate(found),
                        automatic=True),
            )  # fmt: skip


CHECK = Check(
    code="container-throttled",
    title="A container may use little of the processors",
    category=Category.DOCKER,
    cause="`docker update --cpus`, or a program that manages containers",
    fix="`docker rm --force NAME`, then `alfred-dev up SERVICE` (data stays)",
    depends_on=frozenset({"engine-down"}),
    rank=25,
    observe=containers,
    judge=judge,
)
