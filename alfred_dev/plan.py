"""The nouns of a plan: what runs, where it comes from, and what each service is told.

Nothing optional is left in a plan: ``planner`` decides ports, sources and variables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from alfred_dev.access import Access
from alfred_dev.catalog.model import (
    Binary,
    Catalog,
    Condition,
    ProbeKind,
    Profile,
    Service,
)
from alfred_dev.catalog.schema import did_you_mean
from alfred_dev.errors import UsageError
from alfred_dev.settings import Settings

LOOPBACK = "127.0.0.1"
SCHEMES: Mapping[ProbeKind, str] = {
    ProbeKind.HTTP: "http",
    ProbeKind.HTTPS: "https",
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
    """A real server on this machine: its absolute path, version if known, and home folder.

    ``search``: the PATH it needs: where it is itself, and the programs that it calls.
    """

    path: str
    search: str = ""
    version: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What is known of a Docker engine and of what it ran for this checkout.

    ``registry``: the mirror in front of every image, empty for none; ``named``: per service, an
    image that the user names instead of the catalog's; ``unavailable``: image -> why it cannot be
    had; ``unbuilt``: per service, why its checkout cannot be built; ``kept``: per service, the
    kind of source that made its data; ``engines``: per service, the version in our own image;
    ``shares``: whether files and sockets of this machine are the same ones in a container.
    """

    registry: str = ""
    named: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    unbuilt: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    shares: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One observation of the machine.

    ``binaries``: per service, a usable real server; ``unusable``: per service, why the one that
    was found cannot be used; ``engines``: per service, the version of our embedded engine;
    ``lacking``: per helper, why its engine is not on this machine, and how to get it;
    ``code``: fingerprint of the code that the services run; ``closed``: port of the catalog ->
    why a helper cannot have it here; ``engine``: of the Docker engine that is to run the services,
    None for local processes; ``platform``: the absolute folder of the platform's checkout;
    ``access``: what the gateway must know, None without one.
    """

    binaries: Mapping[str, Found] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    closed: Mapping[int, str] = field(default_factory=dict)
    engine: EngineFacts | None = None
    platform: str | None = None
    access: Access | None = None


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
    search: str = ""
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
    """One service, or helper, with everything decided.

    ``kind``: ``service`` or ``helper``; ``environment``: all it is told, secrets in clear;
    ``client``: what a client of it is given; ``contained``: whether it runs in a container;
    ``moved``: a line for each of a helper's ports that is not where the catalog has it.
    """

    definition: Service
    kind: str
    source: Source
    endpoints: tuple[Endpoint, ...]
    depends_on: Mapping[str, Condition]
    environment: Mapping[str, str]
    client: Mapping[str, str]
    asks: Mapping[str, str]  # dependency -> the variable under which its address is told
    contained: bool
    moved: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The service's id and DNS name."""
        return self.definition.id

    @property
    def title(self) -> str:
        """A name for people."""
        return self.definition.title

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that people use."""
        return self.definition.aliases

    @property
    def is_helper(self) -> bool:
        """Whether it is ours, beside the platform's services."""
        return self.definition.helper

    @property
    def is_task(self) -> bool:
        """Whether it is well when it has ended well: it answers nobody."""
        return self.definition.ends and not self.endpoints

    @property
    def by_developer(self) -> bool:
        """Whether the developer runs it: nothing is started for it."""
        return self.source.kind is SourceKind.HOST

    @property
    def is_process(self) -> bool:
        """Whether we run it as a process of this machine."""
        return not self.by_developer and not self.contained


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that runs, dependencies first. ``secrets``: what no output may show.

    ``absent``: helper -> why it cannot run here; nothing waits for it; ``isolation``: of
    containers from each other, ``flat`` or ``tiers``; ``access``: whom the gateway lets in, None
    where there is none.
    """

    services: tuple[PlannedService, ...]
    catalog: Catalog
    runtime: str
    slot: int
    domain: str
    endpoints_environment: Mapping[str, str]
    secrets: frozenset[str]
    settings: Settings
    code: str
    absent: Mapping[str, str] = field(default_factory=dict)
    isolation: str = "flat"
    access: Access | None = None
    _by_id: Mapping[str, PlannedService] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {service.id: service for service in self.services})

    def __getitem__(self, name: str) -> PlannedService:
        return self._by_id[name]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of all services, in start order."""
        return tuple(service.id for service in self.services)

    def web_url(self, name: str) -> str:
        """Return the gateway's address for ``name``; where it does not run, that of port 443."""
        port = self["gateway"].endpoints[0].port if "gateway" in self._by_id else 443
        return f"https://{name}" if port == 443 else f"https://{name}:{port}"

    @property
    def issuer(self) -> str:
        """Return who signs this checkout's tokens: where its keys are published."""
        return self.web_url(f"auth.{self.domain}")

    @property
    def platform(self) -> tuple[PlannedService, ...]:
        """Return the platform's services, without our helpers."""
        return tuple(service for service in self.services if not service.is_helper)

    @property
    def contained(self) -> tuple[PlannedService, ...]:
        """Return what runs in containers, helpers too."""
        return tuple(service for service in self.services if service.contained)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return every endpoint of every service, in start order."""
        return tuple(e for service in self.services for e in service.endpoints)


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
