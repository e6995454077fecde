"""A service listens on a port that the catalog does not have."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.checks.port_public import loopback
from alfred_dev.doctor.look.ports import Ports, ports
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity


def judge(seen: Ports, given: Given) -> Iterable[Finding]:
    """Find listeners of our processes that nobody declared."""
    for name, listener in seen.ours:
        row = seen.services[name]
        declared = {e.endpoint.listen for e in row.status.endpoints}
        if listener.port not in declared:
            where = row.status.service.definition.where
            yield Finding(
                subject=name,
                cause=f"{name} listens on {listener.address}:{listener.port}, which its entry "
                f"does not say ({where.file}:{where.line})",
                evidence=(f"{listener.program} (pid {listener.pid}): {listener.command}",),
                severity=Severity.WARNING if loopback(listener.address) else Severity.ERROR,
                fix=Fix(text=f"Add the port to {name} in alfred.yaml, or switch it off there."),
            )


CHECK = Check(
    code="port-undeclared",
    title="A service listens on a port that nobody declared",
    category=Category.PORTS,
    severity=Severity.WARNING,
    cause="the program opens more ports than its entry in the catalog has",
    fix="add it under `ports` in alfred.yaml, or switch it off in the program",
    observe=ports,
    judge=judge,
)
