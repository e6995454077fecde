"""A container publishes a port on all addresses of this machine."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.checks.container_network import recreate
from alfred_dev.doctor.checks.port_public import loopback
from alfred_dev.doctor.look.engine import Container, Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find published ports that other machines reach."""
    for found in (*seen.ours, *seen.orphans):
        public = [p for p in found.published if not loopback(p.rpartition(":")[0].strip("[]"))]
        if public:
            subject = found.service or found.name
            yield Finding(
                subject=subject,
                cause=f"{subject} is published on {', '.join(public)}: other machines of the "
                "network reach it, past every firewall",
                evidence=(f"{found.name}: {', '.join(public)}",),
                fix=Fix(text="Make its container anew, on 127.0.0.1.", commands=_fix(found, seen)),
            )


def _fix(found: Container, seen: Containers) -> tuple[str, ...]:
    return recreate(found) if found in seen.ours else (f"docker rm --force {found.name}",)


CHECK = Check(
    code="container-public",
    title="A container can be reached from other machines",
    category=Category.PORTS,
    cause="its mapping has no host address: `6379:6379` instead of `127.0.0.1:6379:6379`",
    fix="`docker rm --force NAME`, then `alfred-dev up SERVICE`",
    rank=30,
    observe=containers,
    judge=judge,
)
