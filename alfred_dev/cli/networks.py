"""The networks of a checkout in an engine: whose they are, and which addresses they have."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from alfred_dev.engine.api import Engine
from alfred_dev.host import routes
from alfred_dev.plan import Plan
from alfred_dev.render import compose
from alfred_dev.runtime import guards, subnets


def foreign(engine: Engine, plan: Plan, project: str) -> list[str]:
    """Return the networks of the plan's names that are not this project's."""
    names = {compose.network_name(name, plan) for name in compose.networks(plan)}
    found = (n for n in engine.get("/networks") if n["Name"] in names)
    return [n["Name"] for n in found if not guards.is_ours(n, project)]


def subnets_of(
    engine: Engine, plan: Plan, project: str, remembered: Mapping[str, str]
) -> dict[str, str]:
    """Return each network's addresses: its own, the remembered, or others that are free."""
    names = {compose.network_name(name, plan): name for name in compose.networks(plan)}
    taken = routes.networks()
    found: dict[str, str] = {}
    for network in engine.get("/networks"):
        configs = (network.get("IPAM") or {}).get("Config") or ()
        own = [str(c["Subnet"]) for c in configs if ":" not in str(c.get("Subnet", ":"))]
        taken += map(IPv4Network, own)
        if network["Name"] in names:
            guards.check_owner("network", network, project)
            found[names[network["Name"]]] = own[0] if own else ""
    start = int(project.rpartition("-")[2], 16)
    for name in names.values():
        if name not in found:
            found[name] = str(subnets.choose(taken, start=start, preferred=remembered.get(name)))
            taken.append(IPv4Network(found[name]))
    return found
