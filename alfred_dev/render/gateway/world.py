"""What every part of the gateway's configuration may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from alfred_dev import hostnames
from alfred_dev.access import Access
from alfred_dev.hostnames import Hostname
from alfred_dev.plan import Endpoint, Plan, PlannedService

GATEWAY = "gateway"
FIGURES = "/dashboard/metrics"  # on the port of statistics
TYPES = "type.googleapis.com"
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where Envoy runs. Paths are relative to its working folder, and short: sockets need that.

    ``address``: host and port of an endpoint as Envoy reaches it, or the path of a socket and 0,
    None for what it cannot reach; ``listen``: the port that
    Envoy itself binds for an endpoint of its own; ``watched``: the folder of our files;
    ``sockets``: where its unix sockets are.
    """

    address: Callable[[PlannedService, Endpoint], tuple[str, int] | None]
    listen: Callable[[Endpoint], int]
    watched: str
    sockets: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The plan, what to enforce, and where."""

    plan: Plan
    access: Access
    place: Place

    @property
    def names(self) -> tuple[Hostname, ...]:
        """Return every name that the gateway answers for."""
        return tuple(h for h in hostnames.hostnames(self.plan.catalog, self.plan.domain) if h.web)

    @property
    def https(self) -> int:
        """Return the port that people see, on this machine."""
        return self.plan[GATEWAY].endpoints[0].port

    @property
    def origins(self) -> tuple[str, ...]:
        """Return every origin that is ours."""
        port = "" if self.https == 443 else f":{self.https}"
        return tuple(f"https://{host.name}{port}" for host in self.names)

    @property
    def log_in(self) -> str:
        """Return the id of the service whose pages ask for passwords."""
        return next(s.id for s in self.plan.catalog.services.values() if hostnames.AUTH in s.hosts)

    def has(self, name: str) -> bool:
        """Tell whether ``name`` is in the plan."""
        return name in self.plan.ids

    def addressed(
        self, endpoint_of: Callable[[PlannedService], Endpoint | None]
    ) -> Iterator[tuple[PlannedService, Resource]]:
        """Yield what can be reached of the services' endpoints, not of the gateway's, and where."""
        for service in self.plan.services:
            endpoint = endpoint_of(service)
            if endpoint is not None and service.id != GATEWAY:
                found = self.place.address(service, endpoint)
                if found is not None:
                    host, port = found
                    yield service, socket(host, port) if port else {"pipe": {"path": host}}


def web_endpoint(service: PlannedService) -> Endpoint | None:
    """Return the endpoint of ``service`` that speaks HTTP, None where none does."""
    return next((e for e in service.endpoints if e.protocol == "HTTP"), None)


def grpc_endpoint(service: PlannedService) -> Endpoint | None:
    """Return the endpoint of ``service`` that speaks gRPC, None where none does."""
    return next((e for e in service.endpoints if e.protocol == "gRPC"), None)


def grpc_cluster(service: str) -> str:
    """Return the name of the cluster behind a service's gRPC port."""
    return f"{service}-grpc"


def typed(kind: str, **fields: Any) -> Resource:
    """Return a message of Envoy's API by its type."""
    return {"@type": f"{TYPES}/{kind}", **fields}


def files(name: str, world: World) -> Resource:
    """Return a source of configuration: a file of ours that Envoy watches."""
    path = {"path": f"{world.place.watched}/{name}.json"}
    return {"resource_api_version": "V3", "path_config_source": path}


def socket(address: str, port: int) -> Resource:
    """Return an address of TCP."""
    return {"socket_address": {"address": address, "port_value": port}}
