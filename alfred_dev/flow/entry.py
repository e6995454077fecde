"""Where a client of this checkout comes in. Pure."""

from __future__ import annotations

from alfred_dev.flow.model import Entry
from alfred_dev.plan import Plan

CORE = "agent-core"


def entry(plan: Plan) -> Entry:
    """Return the way in: agent-core's own port."""
    return Entry(base=plan[CORE].endpoints[0].url, through=CORE)
