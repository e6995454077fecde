"""The gateway does not lead a name to its service, though both are well."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.certs import GATEWAY
from alfred_dev.doctor.look.gateway import Routes, routes
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.status import Health

UNKNOWN = 421  # no name of ours
BROKEN = (0, UNKNOWN, 500, 502, 503, 504)


def judge(seen: Routes, given: Given) -> Iterable[Finding]:
    """Find names whose service is healthy when asked directly, and not through the gateway."""
    for row in seen.rows:
        well = seen.services[row.leads_to].status.health is Health.HEALTHY
        if row.status in BROKEN and well:
            yield Finding(
                subject=GATEWAY,
                about=frozenset({row.leads_to, row.name}),
                cause=f"the gateway does not lead https://{row.name} to {row.leads_to}, which is "
                f"healthy: {row.detail}",
                severity=Severity.WARNING if row.status == UNKNOWN and seen.behind else None,
                evidence=(f"GET https://{row.name}/: {row.detail}",),
                fix=Fix(
                    text="Have its routes written anew.",
                    commands=("alfred-dev up", restart(GATEWAY)),
                    automatic=True,
                ),
            )


CHECK = Check(
    code="gateway-route",
    title="The gateway does not lead a name to its service",
    category=Category.NETWORK,
    cause="its rendered routes were edited, it keeps old ones, or it may not reach the service",
    fix="`alfred-dev up`, then `alfred-dev restart gateway`",
    depends_on=frozenset(
        {
            "certificate-served",
            "container-unreachable",
            "engine-down",
            "firewall",
            "loopback-broken",
            "render-changed",
            "render-old",
            "service-frozen",
            "service-stopped",
            "settings-changed",
            "stack-down",
            "supervisor-lost",
        }
    ),
    rank=46,
    quick=False,
    observe=routes,
    judge=judge,
)
