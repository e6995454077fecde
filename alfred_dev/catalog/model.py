"""The nouns of the catalog. Absent means absent: no field is filled in later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from alfred_dev.catalog.kinds import ProbeKind as ProbeKind
from alfred_dev.catalog.topology import Topology
from alfred_dev.errors import Where


class Tier(StrEnum):
    """Layers of the network architecture, outermost first."""

    EXTERNAL = "external"
    PUBLIC = "public"
    APPLICATION = "application"
    DATA = "data"
    MONITORING = "monitoring"


class Profile(StrEnum):
    """Groups that ``up --profile`` selects. Without one everything starts."""

    CORE = "core"
    AGENTS = "agents"
    UI = "ui"
    MONITORING = "monitoring"
    MAIL = "mail"


class Condition(StrEnum):
    """What a service demands of one it depends on."""

    HEALTHY = "healthy"
    STARTED = "started"


class Engine(StrEnum):
    """What the engine of ``alfred_dev.embedded`` is beside a real server of this machine.

    FIRST: preferred to it, and what runs it when it is pinned. LAST: for where there is none.
    """

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRange:
    """A standard range of the port allocation: advice for new services."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One row of the port map.

    ``host`` is the port on this machine, ``container`` what the platform's own image listens on.
    ``outside_range`` records why a port lies outside its standard range; ``title`` names the row
    where a service has more than one. ``path`` is the health path of an http probe. ``instead``:
    of helpers alone, the port to take where ``host`` is taken or not allowed, and in every slot
    but 0.
    """

    host: int
    container: int
    protocol: str
    purpose: str
    range: str | None
    probe: ProbeKind
    path: str = "/"
    title: str | None = None
    outside_range: str | None = None
    instead: int | None = None
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An endpoint that a service tells others, under each of ``names``.

    ``value`` may hold ``{host}``, ``{port}`` (of the service's ``port_index``-th row) and
    ``{KEY}`` for a setting, percent-encoded because it lands in a URL.
    """

    names: tuple[str, ...]
    value: str
    port_index: int = 0
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A real server that may be on this machine's PATH.

    ``programs``: names to look for, the first found wins; ``beside``: ``program: path`` looks for
    ``path`` relative to the real folder of another program (the Pub/Sub emulator beside gcloud).
    ``requires``: programs that must be there too; ``home``: folders of which one must exist;
    ``version``: arguments that make it print its version, where it has such.
    ``arguments`` and ``environment`` may hold ``{data}``, ``{render}``, ``{home}``, ``{port}``,
    ``{port1}`` (the second row) and ``{KEY}`` for a setting.
    """

    programs: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    beside: Mapping[str, str]
    requires: tuple[str, ...] = ()
    home: tuple[str, ...] = ()
    version: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What is known of a service's usual image, for containers.

    ``command`` replaces the image's own, ``user`` too; ``volume``: where it keeps its data;
    ``mounts``: rendered file or folder -> its path inside, read-only; ``health``: a command made
    of what the image has inside, empty for none; ``cap_add``: the only capabilities it keeps;
    ``memory``, ``shm``: limits as Compose writes them; ``read_only``: it writes to its volume and
    to /tmp alone. ``command``, ``health`` and
    ``environment`` may hold ``{port}``, ``{port1}`` (the second row) and ``{KEY}`` for a setting.
    """

    command: tuple[str, ...] = ()
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    volume: str | None = None
    mounts: Mapping[str, str] = field(default_factory=dict)
    health: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    memory: str = "1g"
    shm: str | None = None
    stop_signal: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One entry of services.yaml.

    ``source``: where it must come from, None lets the plan choose; ``host_port``: the developer
    runs it on this port of the machine; ``env``: variables of the project's own;
    ``needs``: variables of other services it must be told (any one of a variable's names);
    ``uses``: the same of services that it can do without: told, not depended on;
    ``settings``: keys of ``.env`` that reach it; ``client``: what ``exec`` gives a client of it;
    ``engine``: what ``alfred_dev.embedded`` has, None for no engine; ``api``: the parts of the
    platform's API that its stand-in plays; ``durable``: whether it keeps data of its own;
    ``hosts``: labels before the domain under which people open it; ``helper``: it is ours, helps
    with the services, and is not one of the platform's: it has no profile, and is left out where
    it cannot run; ``networked``: a helper that runs beside the services, in a container where they
    do; the others are processes of this machine. ``routes``: where the API has it: a path that ends
    with a slash is taken off before the service sees it, one that ends with a dot is of gRPC;
    ``timeout_s``: how long the gateway waits for a whole answer that is not streamed;
    ``connections``: how many it opens at most; ``csp``: what its pages need beyond the strict
    content security policy, by directive; ``tunnelable``: a tunnel may show it to the world;
    ``metrics``: source -> the path of its figures, beside those that all services of a tier have;
    ``ends``: it ends by itself when its work is done, and is not started again then.
    """

    id: str
    title: str
    tier: Tier
    profile: Profile | None
    ports: tuple[Port, ...]
    depends_on: Mapping[str, Condition]
    variables: tuple[Variable, ...]
    needs: tuple[str, ...]
    uses: tuple[str, ...] = ()
    settings: tuple[str, ...]
    client: Mapping[str, str]
    aliases: tuple[str, ...]
    api: tuple[str, ...]
    image: str | None = None
    context: str | None = None
    binary: Binary | None = None
    container: Container = Container()
    engine: Engine | None = None
    durable: bool = False
    source: str | None = None
    host_port: int | None = None
    env: Mapping[str, str]
    hosts: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    timeout_s: int = 60
    connections: int = 256
    csp: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    helper: bool = False
    networked: bool = False
    tunnelable: bool = False
    ends: bool = False
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All services in the order of the port map, and the standard ranges. ``source`` is a path.

    ``services``: the platform's; ``helpers``: ours beside them; ``entries``: both;
    ``topology``: what Pub/Sub shall have.
    """

    services: Mapping[str, Service]
    ranges: tuple[PortRange, ...]
    source: str
    helpers: Mapping[str, Service] = field(default_factory=dict)
    topology: Topology = Topology()
    entries: Mapping[str, Service] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", {**self.services, **self.helpers})

    def provider_of(self, name: str) -> tuple[Service, Variable] | None:
        """Return the service that provides variable ``name``, or None."""
        for service in self.entries.values():
            for variable in service.variables:
                if name in variable.names:
                    return service, variable
        return None

    def range_of(self, port: Port) -> PortRange | None:
        """Return the standard range that ``port`` should lie in, or None where there is none."""
        return next((r for r in self.ranges if r.name == port.range), None)

    def in_range(self, port: Port) -> bool:
        """Tell whether ``port`` lies in its standard range; a port without one does not."""
        standard = self.range_of(port)
        return standard is not None and standard.first <= port.host <= standard.last
