"""catalog + settings + facts -> Plan. Pure: every decision about a stack is made here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from alfred_dev import container_sources, process_sources
from alfred_dev.catalog.model import Catalog, Port, Service, Variable
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.plan import (
    LOOPBACK,
    Endpoint,
    Facts,
    Plan,
    PlannedService,
    Request,
    Source,
    SourceKind,
    only,
    resolve_name,
)
from alfred_dev.settings import DEFAULT_DOMAIN, TWINS, Settings, url_quoted

SLOT_STEP = 10_000
HIGHEST_PORT = 65_535
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class _World:
    """What every decision may look at, with the look-ups that a thousand services need."""

    catalog: Catalog
    settings: Settings
    facts: Facts
    slot: int
    providers: Mapping[str, tuple[Service, Variable]] = field(init=False)
    rows: Mapping[tuple[str, int], int] = field(init=False)

    def __post_init__(self) -> None:
        services = self.catalog.entries.values()
        providers = {n: (s, v) for s in services for v in s.variables for n in v.names}
        keys = [(s.id, i) for s in services for i in range(len(s.ports))]
        object.__setattr__(self, "providers", providers)
        object.__setattr__(self, "rows", {key: row for row, key in enumerate(keys)})

    def port(self, service: Service, index: int) -> int:
        """Return the port on this machine; a developer's own process is never shifted."""
        if service.host_port is not None and index == 0:
            return service.host_port
        port = service.ports[index]
        number = port.instead if self.moves(port) and port.instead else port.host
        return number + SLOT_STEP * self.slot

    def moves(self, port: Port) -> bool:
        """Tell whether a helper's port is not where the catalog has it: it alone may move.

        In every slot but 0 too: only there has the first number a meaning (443 is https).
        """
        return port.instead is not None and (self.slot > 0 or port.host in self.facts.closed)


def make(
    catalog: Catalog,
    settings: Settings,
    facts: Facts,
    *,
    slot: int = 0,
    domain: str | None = None,
    isolation: str = "flat",
) -> Plan:
    """Decide everything about every service. Raises MachineError for a source that is not here."""
    world = _World(catalog, settings, facts, slot)
    _check_ports(world)
    absent = _absent(catalog, facts)
    present = (catalog.entries[name] for name in start_order(catalog) if name not in absent)
    return Plan(
        services=tuple(_service(service, world, absent) for service in present),
        absent=absent,
        isolation=isolation,
        access=facts.access,
        catalog=catalog,
        runtime="process" if facts.engine is None else "docker",
        slot=slot,
        domain=domain or DEFAULT_DOMAIN,
        endpoints_environment=_host_environment(world),
        secrets=settings.secrets(),
        settings=settings,
        code=facts.code,
    )


def _absent(catalog: Catalog, facts: Facts) -> dict[str, str]:
    """Return the helpers that cannot run on this machine, and why."""
    return {
        helper.id: process_sources.no_server(helper, facts)
        for helper in catalog.helpers.values()
        if not _can_run(helper, facts)
    }


def _can_run(helper: Service, facts: Facts) -> bool:
    if _in_container(helper, facts):
        return helper.id not in facts.unusable
    return bool(process_sources.there_are(helper, facts))


def _check_ports(world: _World) -> None:
    """Refuse a slot that shifts ports beyond 65535, or onto each other. Raises UsageError."""
    owners: dict[int, str] = {}
    for service in world.catalog.entries.values():
        for index, port in enumerate(service.ports):
            number = world.port(service, index)
            other = owners.setdefault(number, service.id)
            cause = f"{service.id} would have port {number}"
            if number > HIGHEST_PORT or other != service.id:
                raise UsageError(
                    "slot-unusable",
                    f"slot {world.slot} cannot be used",
                    cause=cause + (f", which {other} has" if other != service.id else ""),
                    fix=["alfred-dev up --slot auto"],
                    where=str(port.where),
                )


def narrow(plan: Plan, request: Request) -> Plan:
    """Return the part of ``plan`` that was asked for, and all that it depends on.

    Raises UsageError for unknown names, MachineError for fall-backs under ``strict``.
    """
    names = {resolve_name(plan, name) for name in request.names}
    names |= {s.id for s in plan.services if s.definition.profile in request.profiles}
    if not request.names:  # a group comes with its helpers, a service by name comes alone
        names |= {s.id for s in plan.services if s.is_helper or not request.profiles}
    narrowed = only(plan, closure(plan, names))
    if request.strict:
        _refuse_fallbacks(narrowed.platform)
    return narrowed


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
    stack = list(reversed(list(catalog.entries)))
    while stack:
        name = stack[-1]
        waiting = [d for d in catalog.entries[name].depends_on if d not in order]
        if waiting and name not in order:
            stack += reversed(waiting)
        else:
            order.setdefault(stack.pop())
    return tuple(order)


def fill(template: str, values: Mapping[str, str], setting: Callable[[str], str]) -> str:
    """Replace ``{name}`` by ``values[name]``, or by ``setting`` of that name."""
    return _PLACEHOLDER.sub(lambda m: values[m[1]] if m[1] in values else setting(m[1]), template)


def told(variable: Variable, host: str, port: int, setting: Callable[[str], str]) -> dict[str, str]:
    """Return ``variable`` under all its names, for somebody who reaches it at ``host:port``."""
    text = fill(variable.value, {"host": host, "port": str(port)}, setting)
    return dict.fromkeys(variable.names, text)


def _host_environment(world: _World) -> dict[str, str]:
    """Return every endpoint variable as a process on this machine must use it."""
    values: dict[str, str] = {}
    for service in world.catalog.entries.values():
        for variable in service.variables:
            values |= _told_here(service, variable, world)
    project = world.settings["ALFRED_PROJECT_ID"]
    return values | dict.fromkeys(TWINS["ALFRED_PROJECT_ID"], project)


def _told_here(service: Service, variable: Variable, world: _World) -> dict[str, str]:
    port = world.port(service, variable.port_index)
    return told(variable, LOOPBACK, port, lambda key: url_quoted(world.settings[key]))


def _service(service: Service, world: _World, absent: Collection[str]) -> PlannedService:
    ports = [str(world.port(service, index)) for index in range(len(service.ports))]
    address = {"host": LOOPBACK, **({"port": ports[0]} if ports else {})}
    setting = world.settings.__getitem__
    return PlannedService(
        definition=service,
        kind="helper" if service.helper else "service",
        source=_source(service, world.facts),
        endpoints=tuple(_endpoint(service, index, world) for index in range(len(service.ports))),
        depends_on={k: v for k, v in service.depends_on.items() if k not in absent},
        environment=_environment(service, world),
        client={k: fill(v, address, setting) for k, v in service.client.items()},
        asks={world.providers[name][0].id: name for name in service.needs},
        contained=_in_container(service, world.facts),
        moved=tuple(_moved(service, index, world) for index in _movers(service, world)),
    )


def _in_container(service: Service, facts: Facts) -> bool:
    """Tell whether ``service`` runs in a container; most helpers stay on this machine.

    What stands in the network reads files that change, and has sockets that this machine opens:
    both cross no virtual machine.
    """
    if facts.engine is None or service.host_port is not None:
        return False
    return not service.helper or (service.networked and facts.engine.shares)


def _source(service: Service, facts: Facts) -> Source:
    if _in_container(service, facts):
        return container_sources.choose(service, facts.platform, facts.engine)
    return process_sources.choose(service, facts)


def _movers(service: Service, world: _World) -> list[int]:
    return [index for index, port in enumerate(service.ports) if world.moves(port)]


def _moved(service: Service, index: int, world: _World) -> str:
    port = service.ports[index]
    why = world.facts.closed.get(port.host, f"slot {world.slot} has its own ports")
    return f"{service.id}: port {world.port(service, index)} instead of {port.host} ({why})"


def _endpoint(service: Service, index: int, world: _World) -> Endpoint:
    port = service.ports[index]
    number = world.port(service, index)
    return Endpoint(
        row=world.rows[service.id, index],
        service=service.id,
        title=port.title or service.title,
        port=number,
        # Inside as outside: a URL has its number in it, and is the same everywhere.
        container_port=number if port.instead else port.container,
        listen=number,
        protocol=port.protocol,
        purpose=port.purpose,
        probe=port.probe,
        path=port.path,
    )


def _environment(service: Service, world: _World) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in (*service.needs, *service.uses):
        values |= _told_here(*world.providers[name], world)
    for key in service.settings:
        if world.settings[key]:
            values |= dict.fromkeys(TWINS.get(key, (key,)), world.settings[key])
    return dict(sorted((values | dict(service.env)).items()))


def _said(source: Source) -> str:
    return source.detail if source.kind is SourceKind.STAND_IN else f"embedded {source.detail}"


def _refuse_fallbacks(services: Iterable[PlannedService]) -> None:
    weak = [s for s in services if s.source.kind in (SourceKind.EMBEDDED, SourceKind.STAND_IN)]
    if weak:
        raise MachineError(
            "strict-refused",
            "--strict takes neither embedded engines nor stand-ins",
            cause="\n".join(f"{s.id}: {_said(s.source)}" for s in weak),
            fix=["install the real servers", "alfred-dev up   (without --strict)"],
        )
