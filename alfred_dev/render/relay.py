"""What the developer runs, inside the network: a container with its name and ports, led outside.

On Linux through a unix socket that the container mounts, so that nothing else of the machine is
reached, and no firewall is met; in a virtual machine, where sockets do not cross, by the name that
such engines give to the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alfred_dev.plan import LOOPBACK, Endpoint, Plan, PlannedService
from alfred_dev.render import compose
from alfred_dev.render.ours import EVERYWHERE
from alfred_dev.render.process import Layout
from alfred_dev.runtime.base import LaunchSpec

NAME = "host-relay"
MODULE = "alfred_dev.embedded.relay"
INSIDE = "/run/alfred"


def containers(plan: Plan, *, gateway: str) -> dict[str, dict[str, Any]]:
    """Return the entry of each service that the developer runs."""
    return {s.id: _container(s, plan, gateway) for s in _theirs(plan)}


def _theirs(plan: Plan) -> Iterator[PlannedService]:
    return (service for service in plan.platform if service.by_developer)


def _container(service: PlannedService, plan: Plan, gateway: str) -> dict[str, Any]:
    pairs = []
    for endpoint in service.endpoints:
        near = f"tcp:{EVERYWHERE}:{endpoint.container_port}"
        far = f"tcp:{gateway}:{endpoint.port}" if gateway else f"unix:{INSIDE}/{_socket(endpoint)}"
        pairs.append(f"{near}={far}")
    folder = {"type": "bind", "source": "../relay", "target": INSIDE, "read_only": True}
    mounted = {**folder, "bind": {"create_host_path": False}}
    return {
        "command": ["python3", "-m", MODULE, *pairs],
        "volumes": [] if gateway else [mounted],
        "extra_hosts": [f"{gateway}:host-gateway"] if gateway else [],
        "networks": compose.networks_of(service, plan),
        "restart": "on-failure:5",
        "read_only": True,
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": ["ALL"],
        "mem_limit": "64m",
        "logging": compose.LOGGING,
        "labels": {**compose.labels(plan, service.id), f"{compose.LABEL}.relay": "true"},
    }


def processes(plan: Plan, layout: Layout) -> list[LaunchSpec]:
    """Return the one process that leads from the sockets to the developer's ports."""
    endpoints = [e for service in _theirs(plan) for e in service.endpoints]
    pairs = [f"unix:{layout.relay}/{_socket(e)}=tcp:{LOOPBACK}:{e.port}" for e in endpoints]
    if not pairs:
        return []
    argv = (layout.python, "-m", MODULE, *pairs)
    return [LaunchSpec(service=NAME, source="embedded", argv=argv, environment={}, code=plan.code)]


def _socket(endpoint: Endpoint) -> str:
    return f"{endpoint.service}-{endpoint.container_port}"
