"""The name of a service on the stack's network is another container's too."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.siblings import Seen, Siblings, siblings
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given


def judge(seen: Siblings, given: Given) -> Iterable[Finding]:
    """Find names that lead to an address which is not their service's own."""
    own = {c.service: c.address for c in seen.containers.ours if c.address}
    named: set[str] = set()
    for row in seen.rows:
        strange = [a for a in row.addresses if ":" not in a and a != own.get(row.service, a)]
        if strange and row.service not in named:
            named.add(row.service)
            yield _finding(seen, row, strange[0], own[row.service])


def _finding(seen: Siblings, row: Seen, strange: str, own: str) -> Finding:
    everybody = (*seen.containers.ours, *seen.containers.orphans, *seen.containers.guests)
    who = next((c.name for c in everybody if c.address == strange), "")
    network = seen.containers.network
    off = f"docker network disconnect --force {network} {who}"
    return Finding(
        subject=row.service,
        about=frozenset({who} if who else ()),
        cause=f"the name {row.service} leads to {who or 'somebody else'} ({strange}) too: who asks "
        f"for {row.service} inside the stack gets one or the other",
        evidence=(f"asked from {row.sibling}: {row.service} is {', '.join(row.addresses)}; "
                  f"its own address is {own}",),
        fix=Fix(text="Take the other one off the network.", commands=(off,) if who else (),
                manual=True),
    )  # fmt: skip


CHECK = Check(
    code="name-shared",
    title="The name of a service is another container's too",
    category=Category.NETWORK,
    cause="a container of another project is on our network with that name or alias",
    fix="`docker network disconnect --force NETWORK NAME`",
    depends_on=frozenset({"container-network", "engine-down"}),
    rank=15,
    quick=False,
    observe=siblings,
    judge=judge,
)
