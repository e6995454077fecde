"""What rules may know of the platform: its port map, from the catalog. Pure."""

from __future__ import annotations

from alfred_dev.catalog.model import Catalog
from alfred_dev.lint.rule import Context


def context(catalog: Catalog, now: float) -> Context:
    """Return the port map by service and alias, and the ranges. ``now``: seconds since 1970."""
    ports: dict[str, frozenset[int]] = {}
    for service in catalog.services.values():
        for name in (service.id, *service.aliases):
            ports[name] = frozenset(port.host for port in service.ports)
    ranges = tuple((r.name, r.first, r.last) for r in catalog.ranges)
    return Context(now=now, ports=ports, ranges=ranges)
