"""Where a client of this checkout comes in. Pure."""

from __future__ import annotations

from alfred_dev.flow.model import Entry
from alfred_dev.plan import Plan

CORE, GATEWAY = "agent-core", "gateway"


def direct(plan: Plan) -> Entry:
    """Return agent-core's own port."""
    core = plan[CORE].endpoints[0].url
    return Entry(base=core, core=core, through=CORE)


def through_gateway(plan: Plan, *, token: str, ca: str) -> Entry:
    """Return the gateway's door to agent-core. ``ca``: the file of who signed its certificate.

    By address and Host: the names need not be known to this machine yet.
    """
    gateway = plan[GATEWAY].endpoints[0]
    (route, *_) = plan[CORE].definition.routes
    return Entry(
        base=f"https://127.0.0.1:{gateway.port}{route.rstrip('/')}",
        core=plan[CORE].endpoints[0].url,
        through=GATEWAY,
        headers={"host": f"api.{plan.domain}", "authorization": f"Bearer {token}"},
        verify=ca,
    )
