"""Every name that this stack has on this machine, and what it leads to.

The one list: certificates, hosts entries, dnsmasq, the gateway's routes and the network aliases
of containers are all made from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alfred_dev.catalog.model import Catalog, Service

LOCALHOST_DOMAIN = "alfred.localhost"
"""The second domain: what ends in .localhost needs no DNS in browsers and in curl."""

API, AUTH, DASHBOARD = "api", "auth", "dashboard"
"""What is no service: the API by path, identity with the log-in page below it, our own page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostname:
    """One name. ``leads_to``: the id of a service, or ``api``, ``auth``, ``dashboard``.

    ``web``: the gateway answers for it; else it is a service's that speaks no HTTP (a database),
    and leads to this machine, or to the service's container, itself.
    """

    name: str
    leads_to: str
    web: bool = True


def domains(domain: str) -> tuple[str, ...]:
    """Return the domains under which every name exists."""
    return tuple(dict.fromkeys((domain, LOCALHOST_DOMAIN)))


def hostnames(catalog: Catalog, domain: str) -> tuple[Hostname, ...]:
    """Return every name in a fixed order, each once, in lower case, without a trailing dot.

    The domain itself leads to the dashboard.
    """
    found: dict[str, Hostname] = {}
    for base in domains(domain):
        for name in _below(catalog, base):
            found.setdefault(name.name, name)
    return tuple(found.values())


def names(catalog: Catalog, domain: str, *, web_only: bool = False) -> tuple[str, ...]:
    """Return the bare names; ``web_only``: those that the gateway answers for."""
    return tuple(h.name for h in hostnames(catalog, domain) if h.web or not web_only)


def is_web(service: Service) -> bool:
    """Tell whether a browser, or an HTTP client, has something to say to ``service``."""
    return any(port.protocol in ("HTTP", "HTTPS") for port in service.ports)


def _below(catalog: Catalog, base: str) -> Iterator[Hostname]:
    yield Hostname(name=base, leads_to=DASHBOARD)
    for label in (API, AUTH, DASHBOARD):
        yield Hostname(name=f"{label}.{base}", leads_to=label)
    services = catalog.services.values()
    public = ((label, service) for service in services for label in service.hosts)
    for label, service in public:
        if label != AUTH:
            yield Hostname(name=f"{label}.{base}", leads_to=service.id)
    for service in services:
        if service.ports:  # a task has none: nothing leads to it
            yield Hostname(name=f"{service.id}.{base}", leads_to=service.id, web=is_web(service))
