"""A container answers this machine, and not the other containers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alfred_dev.doctor.look.siblings import Seen, Siblings, answers, siblings
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Siblings, given: Given) -> Iterable[Finding]:
    """Find ports that are well from here and that a sibling cannot reach."""
    lost = [r for r in seen.rows if r.refused and answers(seen.services, r.service)]
    deaf = {r.sibling for r in lost if len(seen.rows) > 1 and not _reaches_any(seen, r.sibling)}
    if deaf:
        yield _nobody(seen, lost, sorted(deaf)[0])
    else:
        yield from (_one(seen, row) for row in lost)


def _reaches_any(seen: Siblings, sibling: str) -> bool:
    return any(not r.refused for r in seen.rows if r.sibling == sibling)


def _nobody(seen: Siblings, lost: Sequence[Seen], sibling: str) -> Finding:
    return Finding(
        subject=seen.containers.network,
        about=frozenset({r.service for r in lost} | {sibling}),
        cause=f"the services answer this machine, and the containers do not reach each "
        f"other: {sibling} reaches none ({lost[0].refused})",
        evidence=tuple(_line(row) for row in lost[:3]),
        fix=Fix(text="Have the network made anew; data stays. If that does not help, look for a "
                "firewall: iptables -L FORWARD -n.",
                commands=("alfred-dev down", "alfred-dev up")),
        everything=True,
    )  # fmt: skip


def _one(seen: Siblings, row: Seen) -> Finding:
    where = ", ".join(row.addresses)
    how = f"its port {row.port} at {where} is closed" if where else "nobody has that name"
    names = [c.name for c in seen.containers.ours if c.service == row.service]
    return Finding(
        subject=row.service,
        cause=f"{row.service} answers this machine, and {row.sibling} does not reach it: "
        f"{how} there ({row.refused})",
        evidence=(_line(row),),
        fix=Fix(
            text="Make its container anew; data stays.",
            commands=(*(f"docker rm --force {n}" for n in names), f"alfred-dev up {row.service}"),
            automatic=True,
        ),
    )


def _line(row: Seen) -> str:
    return f"asked from {row.sibling}: {row.service}:{row.port}: {row.refused}"


CHECK = Check(
    code="container-unreachable",
    title="A container is not reached by the others",
    category=Category.NETWORK,
    cause="it lost its name on the network, it listens on its own loopback, or packets between "
    "containers are dropped",
    fix="`docker rm --force NAME`, then `alfred-dev up SERVICE` (data stays)",
    depends_on=frozenset(
        {
            "config-invalid",
            "container-network",
            "container-paused",
            "engine-down",
            "firewall",
            "service-frozen",
            "settings-changed",
        }
    ),
    rank=14,
    quick=False,
    observe=siblings,
    judge=judge,
)
