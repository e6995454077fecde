"""The stack as a container sees it: names and container ports, settings as expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from alfred_dev.catalog.model import Container, Service, Variable
from alfred_dev.plan import Endpoint, Plan, PlannedService, Source
from alfred_dev.planner import fill
from alfred_dev.render import expressions
from alfred_dev.render.expressions import literal
from alfred_dev.settings import TWINS

HOST = "host.docker.internal"
"""This machine, for a container that needs what runs on it."""


@dataclass(frozen=True, slots=True)
class World:
    """What every container's entry may look at, with the look-ups that a thousand of them need.

    ``files``: path of a mounted file -> digest of its text; ``relayed``: what the developer runs
    is met under its own name, as in every other case.
    """

    plan: Plan
    sources: Mapping[str, Source]
    files: Mapping[str, str] = field(default_factory=dict)
    relayed: bool = False
    providers: Mapping[str, tuple[Service, Variable]] = field(init=False)

    def __post_init__(self) -> None:
        services = self.plan.catalog.services.values()
        providers = {n: (s, v) for s in services for v in s.variables for n in v.names}
        object.__setattr__(self, "providers", providers)


def address(service: PlannedService, world: World, index: int = 0) -> tuple[str, int]:
    """Return host and port of a service's ``index``-th row as another container reaches it."""
    endpoint = service.endpoints[index]
    if service.by_developer and not world.relayed:
        return HOST, endpoint.port
    return service.id, endpoint.container_port


def authority(service: PlannedService, endpoint: Endpoint, world: World) -> str:
    """Return ``host:port`` of one row of a service as another container reaches it."""
    host, port = address(service, world, service.endpoints.index(endpoint))
    return f"{host}:{port}"


def told(name: str, world: World) -> dict[str, str]:
    """Return the endpoint variable ``name`` under all its names, as a container must use it."""
    service, variable = world.providers[name]
    host, port = address(world.plan[service.id], world, variable.port_index)
    values = {"host": host, "port": str(port)}
    setting = _lookup(expressions.in_url, service, world)
    return dict.fromkeys(variable.names, fill(literal(variable.value), values, setting))


def words(texts: Iterable[str], service: PlannedService, world: World) -> list[str]:
    """Return a command line. Raises ConfigError for a secret on it."""
    setting = _lookup(expressions.in_command, service.definition, world)
    return [fill(literal(text), _ports(service), setting) for text in texts]


def environment(service: PlannedService, container: Container, world: World) -> dict[str, str]:
    """Return all that a container is told, by name; what alfred.yaml says comes last."""
    definition = service.definition
    setting = _lookup(expressions.setting, definition, world)
    values: dict[str, str] = {}
    for name in (*definition.needs, *definition.uses):
        values |= told(name, world)
    for key in definition.settings:
        values |= dict.fromkeys(TWINS.get(key, (key,)), setting(key))
    for key, text in container.environment.items():
        values[key] = fill(literal(text), _ports(service), setting)
    values |= {key: literal(text) for key, text in definition.env.items()}
    return dict(sorted(values.items()))


def _lookup(expression: Callable[..., str], service: Service, world: World) -> Callable[[str], str]:
    return lambda key: expression(world.plan.settings, key, service)


def _ports(service: PlannedService) -> dict[str, str]:
    ports = [str(e.container_port) for e in service.endpoints]
    return {"port": ports[0], "port1": ports[-1]} if ports else {}
