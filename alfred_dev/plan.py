"""catalog + settings + facts -> Plan: what runs, where it comes from, and what each is told.

Pure. Nothing optional is left in a plan: ports, sources and variables are all decided here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from alfred_dev.catalog.model import (
    Binary,
    Catalog,
    Condition,
    ProbeKind,
    Profile,
    Service,
    Tier,
    Variable,
)
from alfred_dev.catalog.schema import did_you_mean
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.settings import DEFAULT_DOMAIN, TWINS, Settings, url_quoted

LOOPBACK = "127.0.0.1"
SCHEMES: Mapping[ProbeKind, str] = {
    ProbeKind.HTTP: "http",
    ProbeKind.PUBSUB: "http",
    ProbeKind.POSTGRES: "postgresql",
    ProbeKind.REDIS: "redis",
    ProbeKind.SMTP: "smtp",
    ProbeKind.GRPC: "grpc",
    ProbeKind.TCP: "tcp",
}


class SourceKind(StrEnum):
    """Where a service comes from."""

    CHECKOUT = "checkout"
    IMAGE = "image"
    BINARY = "binary"
    EMBEDDED = "embedded"
    STAND_IN = "stand-in"
    HOST = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A real server on this machine: its absolute path, version if known, and home folder."""

    path: str
    version: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One observation of the machine.

    ``binaries``: per service, a usable real server; ``unusable``: per service, why the one that
    was found cannot be used; ``engines``: per service, the version of our embedded engine;
    ``code``: fingerprint of the code that the services run.
    """

    binaries: Mapping[str, Found] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for. No names and no profiles: everything."""

    names: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a service comes from, said in a word and in a line."""

    kind: SourceKind
    detail: str
    binary: Binary | None = None
    path: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One port of a service as this plan has it.

    ``row``: its place in the port map, from 0; ``listen``: what the process itself binds.
    """

    row: int
    service: str
    title: str
    port: int
    container_port: int
    listen: int
    protocol: str
    purpose: str
    probe: ProbeKind
    path: str

    @property
    def url(self) -> str:
        """Return the address to use from this machine; no path, no secret."""
        return f"{SCHEMES[self.probe]}://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedService:
    """One service with everything decided.

    ``environment``: all it is told, secrets in clear; ``client``: what a client of it is given.
    """

    id: str
    title: str
    kind: str
    tier: Tier
    profile: Profile
    source: Source
    endpoints: tuple[Endpoint, ...]
    depends_on: Mapping[str, Condition]
    environment: Mapping[str, str]
    client: Mapping[str, str]
    asks: Mapping[str, str]  # dependency -> the variable under which its address is told
    api: tuple[str, ...]
    aliases: tuple[str, ...]
    durable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that runs, dependencies first. ``secrets``: what no output may show."""

    services: tuple[PlannedService, ...]
    runtime: str
    slot: int
    domain: str
    endpoints_environment: Mapping[str, str]
    secrets: frozenset[str]
    settings: Settings
    code: str

    def __getitem__(self, name: str) -> PlannedService:
        return next(service for service in self.services if service.id == name)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of all services, in start order."""
        return tuple(service.id for service in self.services)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return every endpoint of every service, in start order."""
        return tuple(e for service in self.services for e in service.endpoints)


def make(catalog: Catalog, settings: Settings, facts: Facts, *, slot: int = 0) -> Plan:
    """Decide everything about every service."""
    return Plan(
        services=tuple(
            _service(catalog.services[name], catalog, settings, facts)
            for name in start_order(catalog)
        ),
        runtime="process",
        slot=slot,
        domain=DEFAULT_DOMAIN,
        endpoints_environment=host_environment(catalog, settings),
        secrets=settings.secrets(),
        settings=settings,
        code=facts.code,
    )


def narrow(plan: Plan, request: Request) -> Plan:
    """Return the part of ``plan`` that was asked for, and all that it depends on.

    Raises UsageError for unknown names, MachineError for fall-backs under ``strict``.
    """
    names = {resolve_name(plan, name) for name in request.names}
    names |= {s.id for s in plan.services if s.profile in request.profiles}
    if not request.names and not request.profiles:
        names = set(plan.ids)
    narrowed = only(plan, closure(plan, names))
    if request.strict:
        _refuse_fallbacks(narrowed.services)
    return narrowed


def only(plan: Plan, names: Collection[str]) -> Plan:
    """Return ``plan`` with just ``names``."""
    return replace(plan, services=tuple(s for s in plan.services if s.id in names))


def resolve_name(plan: Plan, name: str) -> str:
    """Return the id behind ``name``, which may be an alias. Raises UsageError with a hint."""
    for service in plan.services:
        if name == service.id or name in service.aliases:
            return service.id
    known = [n for s in plan.services for n in (s.id, *s.aliases)]
    raise UsageError(
        "unknown-service",
        f"there is no service {name}",
        cause=f"the catalog does not have it{did_you_mean(name, known)}",
        fix=["alfred-dev ports   (lists them all)"],
    )


def closure(plan: Plan, names: Iterable[str]) -> frozenset[str]:
    """Return ``names`` and all that they depend on, directly or not."""
    wanted: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += plan[name].depends_on
    return frozenset(wanted)


def start_order(catalog: Catalog) -> tuple[str, ...]:
    """Return every id with its dependencies before it, else in catalog order."""
    order: dict[str, None] = {}
    stack = list(reversed(list(catalog.services)))
    while stack:
        name = stack[-1]
        waiting = [d for d in catalog.services[name].depends_on if d not in order]
        if waiting and name not in order:
            stack += reversed(waiting)
        else:
            order.setdefault(stack.pop())
    return tuple(order)


def choose_source(service: Service, facts: Facts) -> Source:
    """Return where ``service`` comes from in the process runtime.

    An embedded engine comes before a binary: its data cannot be broken by a system upgrade.
    """
    if service.id in facts.engines:
        return Source(kind=SourceKind.EMBEDDED, detail=facts.engines[service.id])
    found = facts.binaries.get(service.id)
    if found and service.binary:
        detail = " ".join(part for part in (found.path, found.version) if part)
        return Source(
            kind=SourceKind.BINARY,
            detail=detail,
            binary=service.binary,
            path=found.path,
            home=found.home,
        )
    reason = facts.unusable.get(service.id, "")
    if not reason and service.binary:
        reason = f"no {' or '.join(service.binary.programs)} on PATH"
    if not reason:
        reason = "its code is not here" if service.context else "no engine for this machine"
    return Source(kind=SourceKind.STAND_IN, detail=f"stand-in: {reason}")


def host_environment(catalog: Catalog, settings: Settings) -> dict[str, str]:
    """Return every endpoint variable as a process on this machine must use it."""
    values: dict[str, str] = {}
    for service in catalog.services.values():
        for variable in service.variables:
            port = service.ports[variable.port_index].host
            values |= dict.fromkeys(
                variable.names, fill_url(variable.value, settings, host=LOOPBACK, port=port)
            )
    return values | dict.fromkeys(TWINS["ALFRED_PROJECT_ID"], settings["ALFRED_PROJECT_ID"])


_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(template: str, values: Mapping[str, str], settings: Settings) -> str:
    """Replace ``{name}`` by ``values[name]`` or by the setting of that name."""
    return _PLACEHOLDER.sub(lambda m: values[m[1]] if m[1] in values else settings[m[1]], template)


def fill_url(template: str, settings: Settings, *, host: str, port: int) -> str:
    """Replace ``{host}``, ``{port}`` and settings, the latter percent-encoded."""
    return _PLACEHOLDER.sub(
        lambda m: {"host": host, "port": str(port)}.get(m[1]) or url_quoted(settings[m[1]]),
        template,
    )


def _service(
    service: Service, catalog: Catalog, settings: Settings, facts: Facts
) -> PlannedService:
    first = service.ports[0].host
    rows = [port for other in catalog.services.values() for port in other.ports]
    address = {"host": LOOPBACK, "port": str(first)}
    return PlannedService(
        id=service.id,
        title=service.title,
        kind="service",
        tier=service.tier,
        profile=service.profile,
        source=choose_source(service, facts),
        endpoints=tuple(
            Endpoint(
                row=rows.index(port),
                service=service.id,
                title=port.title or service.title,
                port=port.host,
                container_port=port.container,
                listen=port.host,
                protocol=port.protocol,
                purpose=port.purpose,
                probe=port.probe,
                path=port.path,
            )
            for port in service.ports
        ),
        depends_on=service.depends_on,
        environment=_environment(service, catalog, settings),
        client={k: fill(v, address, settings) for k, v in service.client.items()},
        asks=_asks(service, catalog),
        api=service.api,
        aliases=service.aliases,
        durable=service.durable,
    )


def _environment(service: Service, catalog: Catalog, settings: Settings) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in service.needs:
        provider, variable = _provider(catalog, name)
        port = provider.ports[variable.port_index].host
        text = fill_url(variable.value, settings, host=LOOPBACK, port=port)
        values |= dict.fromkeys(variable.names, text)
    for key in service.settings:
        if settings[key]:
            values |= dict.fromkeys(TWINS.get(key, (key,)), settings[key])
    return dict(sorted(values.items()))


def _asks(service: Service, catalog: Catalog) -> dict[str, str]:
    return {_provider(catalog, name)[0].id: name for name in service.needs}


def _provider(catalog: Catalog, name: str) -> tuple[Service, Variable]:
    found = catalog.provider_of(name)
    if found is None:  # a rule of the catalog forbids it
        raise UsageError("config-invalid", f"nobody provides {name}", cause="see the catalog")
    return found


def _refuse_fallbacks(services: Iterable[PlannedService]) -> None:
    weak = [s for s in services if s.source.kind in (SourceKind.EMBEDDED, SourceKind.STAND_IN)]
    if weak:
        raise MachineError(
            "strict-refused",
            "--strict takes neither embedded engines nor stand-ins",
            cause="\n".join(f"{s.id}: {s.source.kind}, {s.source.detail}" for s in weak),
            fix=["install the real servers", "alfred-dev up   (without --strict)"],
        )
