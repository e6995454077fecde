"""What no catalog may say. Each rule takes the whole catalog and yields its breaches by line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from alfred_dev.catalog.model import Catalog, Service, Tier
from alfred_dev.catalog.schema import did_you_mean
from alfred_dev.errors import Where

Breach = tuple[Where, str]

# Ports that Chromium and Firefox refuse to open (the fetch standard's "bad ports" above 1023).
REFUSED_BY_BROWSERS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
     6669, 6679, 6697, 10080}
)  # fmt: skip
# Labels before the domain that lead to no service.
RESERVED_HOSTS = frozenset({"api", "dashboard"})
# What a template may name besides the settings and what the code fills in.
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
ADDRESS = ("host", "port")
PLACES = ("data", "render", "home", "port", "port1")


def breaches(catalog: Catalog) -> list[Breach]:
    """Return every contradiction in ``catalog``, by line."""
    return sorted({breach for rule in RULES for breach in rule(catalog)})


def unknown_names(catalog: Catalog, settings: Collection[str]) -> list[Breach]:
    """Return every setting and ``{placeholder}`` that nobody fills in, by line."""
    found: set[Breach] = set()
    for service in catalog.entries.values():
        for key in service.settings:
            if key not in settings:
                hint = did_you_mean(key, settings)
                found.add((service.where, f"{service.id}: there is no setting {key}{hint}"))
        for text, known in _templates(service):
            for name in PLACEHOLDER.findall(text):
                if name not in known and name not in settings:
                    hint = did_you_mean(name, [*known, *settings])
                    message = f"{service.id}: nobody fills in {{{name}}}{hint}"
                    found.add((service.where, message))
    return sorted(found)


def _templates(service: Service) -> Iterator[tuple[str, Collection[str]]]:
    for variable in service.variables:
        yield variable.value, ADDRESS
    for value in service.client.values():
        yield value, ADDRESS
    if service.binary:
        for value in (*service.binary.arguments, *service.binary.environment.values()):
            yield value, PLACES


def warnings(catalog: Catalog) -> list[Breach]:
    """Return what works but was agreed otherwise, by line."""
    return sorted(out_of_range(catalog))


def out_of_range(catalog: Catalog) -> Iterator[Breach]:
    """Yield ports outside their standard range that no record explains."""
    for service in catalog.services.values():
        for port in service.ports:
            standard = catalog.range_of(port)
            if standard and not catalog.in_range(port) and port.outside_range is None:
                span = f"{standard.first}-{standard.last}"
                yield (
                    port.where,
                    f"{service.id}: port {port.host} lies outside {standard.name} ({span}); "
                    "move it, or record why in outside_range",
                )


def _names_are_unique(catalog: Catalog) -> Iterator[Breach]:
    owners: dict[str, list[Service]] = defaultdict(list)
    for service in (*catalog.helpers.values(), *catalog.services.values()):
        for name in dict.fromkeys((service.id, *service.aliases)):
            owners[name].append(service)
    for name, claims in owners.items():
        if len(claims) > 1:
            ids = ", ".join(service.id for service in claims)
            yield claims[-1].where, f"the name {name} is claimed by {ids}"


def _hosts_are_unique(catalog: Catalog) -> Iterator[Breach]:
    owners = {service.id: service.id for service in catalog.services.values()}
    for label in RESERVED_HOSTS & owners.keys():
        yield catalog.services[label].where, f"the host {label} is alfred-dev's own"
    for service in catalog.entries.values():
        for label in service.hosts:
            other = owners.setdefault(label, service.id)
            if other != service.id:
                yield service.where, f"the host {label} is claimed by {other}, {service.id}"


def _routes_are_unique(catalog: Catalog) -> Iterator[Breach]:
    owners: dict[str, str] = {}
    for service in catalog.entries.values():
        for route in service.routes:
            other = owners.setdefault(route, service.id)
            if other != service.id:
                yield service.where, f"the route {route} is claimed by {other}, {service.id}"


def _only_helpers_move(catalog: Catalog) -> Iterator[Breach]:
    for service in catalog.services.values():
        for port in service.ports:
            if port.instead is not None:
                yield port.where, f"{service.id}: only a helper's port may move (instead)"


def _ports_are_unique(catalog: Catalog) -> Iterator[Breach]:
    owners: dict[int, list[tuple[str, Where]]] = defaultdict(list)
    for service in catalog.entries.values():
        for port in service.ports:
            owners[port.host].append((service.id, port.where))
            if port.instead is not None:
                owners[port.instead].append((service.id, port.where))
    for number, claims in owners.items():
        if len(claims) > 1:
            names = ", ".join(f"{name} ({where.file}:{where.line})" for name, where in claims)
            yield claims[-1][1], f"port {number} is claimed by {names}"


def _ranges_exist(catalog: Catalog) -> Iterator[Breach]:
    known = {standard.name for standard in catalog.ranges}
    for service in catalog.entries.values():
        for port in service.ports:
            if port.range is not None and port.range not in known:
                hint = did_you_mean(port.range, known)
                yield port.where, f"{service.id}: there is no range {port.range}{hint}"


def _browsers_open_it(catalog: Catalog) -> Iterator[Breach]:
    for service in catalog.entries.values():
        for port in service.ports:
            if port.host in REFUSED_BY_BROWSERS and port.protocol == "HTTP":
                yield port.where, f"{service.id}: browsers refuse to open port {port.host}"


def _dependencies_exist(catalog: Catalog) -> Iterator[Breach]:
    for service in catalog.entries.values():
        for name in service.depends_on:
            if name not in catalog.entries:
                hint = did_you_mean(name, catalog.entries)
                yield service.where, f"{service.id} depends on {name}, which does not exist{hint}"


def _no_cycles(catalog: Catalog) -> Iterator[Breach]:
    for cycle in cycles(catalog):
        where = catalog.entries[cycle[0]].where
        yield where, f"services wait for each other: {' -> '.join((*cycle, cycle[0]))}"


def cycles(catalog: Catalog) -> list[tuple[str, ...]]:
    """Return each cycle of dependencies once, beginning with its first name by alphabet."""
    found: set[tuple[str, ...]] = set()
    done: set[str] = set()
    for start in catalog.entries:
        trail: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                trail.pop()
                done.add(name)
            elif name in trail:
                loop = trail[trail.index(name) :]
                first = loop.index(min(loop))
                found.add(tuple(loop[first:] + loop[:first]))
            elif name not in done and name in catalog.entries:
                trail.append(name)
                stack.append((name, True))
                stack += [(d, False) for d in catalog.entries[name].depends_on]
    return sorted(found)


def _variables_have_one_provider(catalog: Catalog) -> Iterator[Breach]:
    seen: dict[str, str] = {}
    for service in catalog.entries.values():
        for variable in service.variables:
            for name in variable.names:
                if name in seen:
                    yield variable.where, f"{name} is provided by {seen[name]} and {service.id}"
                seen[name] = service.id
            if variable.port_index >= len(service.ports):
                yield variable.where, f"{service.id} has no port number {variable.port_index}"


def _needs_are_provided(catalog: Catalog) -> Iterator[Breach]:
    known = {n for s in catalog.entries.values() for v in s.variables for n in v.names}
    for service in catalog.entries.values():
        for name in (*service.needs, *service.uses):
            provider = catalog.provider_of(name)
            if provider is None:
                hint = did_you_mean(name, known)
                yield service.where, f"{service.id} needs {name}, which nobody provides{hint}"
            elif name in service.needs and provider[0].id not in (*service.depends_on, service.id):
                yield (
                    service.where,
                    f"{service.id} needs {name} of {provider[0].id}, but does not depend on it",
                )


def _has_ports(catalog: Catalog) -> Iterable[Breach]:
    lacking = (s for s in catalog.entries.values() if not s.ports and not s.ends)
    return ((s.where, f"{s.id} has no port") for s in lacking)


def _developers_ports_are_unique(catalog: Catalog) -> Iterator[Breach]:
    owners = {port.host: s.id for s in catalog.entries.values() for port in s.ports}
    seen: dict[int, str] = {}
    for service in catalog.entries.values():
        number = service.host_port
        if number is None:
            continue
        other = seen.get(number) or owners.get(number, service.id)
        if other != service.id:
            yield service.where, f"{service.id}: host_port {number} is the port of {other}"
        seen[number] = service.id


def _only_what_faces_people_is_tunnelable(catalog: Catalog) -> Iterator[Breach]:
    for service in catalog.entries.values():
        speaks = service.ports[:1] and service.ports[0].protocol in ("HTTP", "HTTPS")
        if service.tunnelable and not (speaks and service.tier in (Tier.PUBLIC, Tier.APPLICATION)):
            message = f"{service.id}: only HTTP of the tiers public and application is tunnelable"
            yield service.where, message


RULES = (
    _only_what_faces_people_is_tunnelable,
    _hosts_are_unique,
    _routes_are_unique,
    _only_helpers_move,
    _developers_ports_are_unique,
    _names_are_unique,
    _ports_are_unique,
    _ranges_exist,
    _browsers_open_it,
    _dependencies_exist,
    _no_cycles,
    _variables_have_one_provider,
    _needs_are_provided,
    _has_ports,
)
