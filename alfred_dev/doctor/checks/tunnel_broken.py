"""A tunnel shows nothing, or could not be opened."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.tunnels import Tunnels, tunnels
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity

SIDES = {
    "service": "the service behind it does not answer",
    "front": "our side of it is gone",
    "provider": "the provider does not lead to us",
}


def judge(seen: Tunnels, given: Given) -> Iterable[Finding]:
    """Find tunnels that are ill, by the side that is."""
    for trouble in seen.troubles:
        yield Finding(
            subject=trouble.name,
            cause=f"the tunnel {trouble.name} is broken: {SIDES.get(trouble.broken, '')}: "
            f"{trouble.detail}",
            evidence=(trouble.detail,),
            fix=Fix(text="Mend that side.", commands=(trouble.fix,)),
            symptom=trouble.broken == "service",
        )
    for record in seen.failed:
        yield Finding(
            subject=record.name,
            cause=f"the tunnel {record.name} could not be opened: {record.detail}",
            evidence=(record.detail,),
            severity=Severity.WARNING,
            fix=Fix(
                text="Close it; open it again when the cause is mended.",
                commands=(f"alfred-dev tunnel close {record.name}",),
            ),
        )


CHECK = Check(
    code="tunnel-broken",
    title="A tunnel is broken",
    category=Category.TUNNEL,
    cause="its service is down, its process was killed, or the provider ended it",
    fix="`alfred-dev tunnel test` says which side; `alfred-dev tunnel close NAME`",
    depends_on=frozenset(
        {
            "container-network",
            "engine-down",
            "killed",
            "loopback-broken",
            "service-ended",
            "service-frozen",
            "service-stopped",
            "stack-down",
            "supervisor-lost",
        }
    ),
    rank=55,
    observe=tunnels,
    judge=judge,
)
