"""A container is not on the network of the stack, or that network leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.engine import Container, Containers, containers
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def recreate(found: Container) -> tuple[str, ...]:
    """Return what makes a container anew as it should be; its data stays in its volume."""
    return (f"docker rm --force {found.name}", f"alfred-dev up {found.service}")


def judge(seen: Containers, given: Given) -> Iterable[Finding]:
    """Find containers that were disconnected, and a network that is internal or gone."""
    if seen.network_missing or seen.internal:
        how = "is internal: nothing is published, nothing gets out" if seen.internal else "is gone"
        yield Finding(
            subject=seen.network,
            about=frozenset(c.service for c in seen.ours),
            cause=f"the network {seen.network} {how}",
            evidence=(f"docker network inspect {seen.network}",),
            fix=Fix(text="Have it made anew; data stays.",
                    commands=("alfred-dev down", "alfred-dev up")),
            everything=True,
        )  # fmt: skip
        return
    for found in seen.ours:
        if found.state == "running" and seen.network not in found.networks:
            on = ", ".join(found.networks) or "none"
            yield Finding(
                subject=found.service,
                cause=f"{found.service} is not on the network {seen.network} (it is on {on}): "
                "the others do not find it by its name",
                evidence=(f"{found.name}: networks {on}",),
                fix=Fix(text="Make its container anew; data stays.", commands=recreate(found),
                        automatic=True),
            )  # fmt: skip


CHECK = Check(
    code="container-network",
    title="A container is not on the network of the stack",
    category=Category.NETWORK,
    cause="`docker network disconnect`, `network prune`, or an edited compose file",
    fix="`docker rm --force NAME`, then `alfred-dev up SERVICE` (data stays)",
    rank=13,
    observe=containers,
    judge=judge,
)
