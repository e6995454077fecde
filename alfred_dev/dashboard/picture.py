"""A view as the page draws it: what ``status`` says, and what is shown besides. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from alfred_dev.catalog.model import Tier
from alfred_dev.dashboard.figures import HEAT_MS, Traffic
from alfred_dev.dashboard.seen import View
from alfred_dev.hostnames import hostnames
from alfred_dev.plan import Plan
from alfred_dev.report import json as report_json

Document = dict[str, Any]
TIERS = tuple(Tier)
GATEWAY, DASHBOARD = "gateway", "dashboard"


def document(view: View) -> Document:
    """Return everything that changes from look to look."""
    found = report_json.status(view.plan, view.statuses, command="dashboard-view")
    order = list(view.plan.catalog.entries)
    found["services"].sort(key=lambda row: order.index(row["id"]) if row["id"] in order else 999)
    for row in found["services"]:
        name = row["id"]
        used = view.usage.get(name)
        row["memory"] = used.memory if used else None
        row["cpu"] = view.cpu.get(name)
        row["traffic"] = _rounded(view.traffic.get(name))
    return {
        **found,
        "at": view.at,
        "edges": edges(view),
        "certificates": [{"name": n, "expires_at": at} for n, at in view.certificates.items()],
        "tunnels": [dict(row) for row in view.tunnels],
        "heat": {"at": view.heat[0], "counts": view.heat[1]} if view.heat else None,
        "resources": {name: round(used, 4) for name, used in view.resources.items()},
    }


def fixed(plan: Plan) -> Document:
    """Return what stays as long as the plan does."""
    return {
        "tiers": list(TIERS),
        "heat_ms": list(HEAT_MS),
        "names": [
            {"name": h.name, "leads_to": h.leads_to, "url": plan.web_url(h.name) if h.web else None}
            for h in hostnames(plan.catalog, plan.domain)
        ],
    }


def edges(view: View) -> list[Document]:
    """Return who depends on, or calls, whom; the dashboard itself looks at everybody: no edge."""
    known = {s.id for s in view.plan.services} - {DASHBOARD}
    pairs: dict[tuple[str, str], Traffic | None] = {}
    for service in view.plan.services:
        for other in (*service.depends_on, *service.asks):
            pairs[(service.id, other)] = None
        if (service.definition.hosts or service.definition.routes) and GATEWAY in known:
            pairs[(GATEWAY, service.id)] = None
    for caller, called in view.calls.items():
        for other, traffic in called.items():
            pairs[(caller, other)] = traffic
    return [
        {"from": a, "to": b, "traffic": _rounded(traffic)}
        for (a, b), traffic in pairs.items()
        if a in known and b in known and a != b
    ]


def _rounded(traffic: Traffic | None) -> Mapping[str, float | None] | None:
    if traffic is None:
        return None
    return {k: None if v is None else round(v, 4) for k, v in asdict(traffic).items()}
