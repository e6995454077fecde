"""The gateway and the issuer as containers: every public name is theirs in the network, too.

They run as this user, because they share what this user alone may open: the gateway reads the files
that ``up`` replaces while it runs, and has its sockets where this machine finds them; the issuer
reads the keys that ``token`` signs with. Both look at the same relative paths as local processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from alfred_dev.embedded.gateway import DASHBOARD_SOCKET, arguments
from alfred_dev.hostnames import DASHBOARD
from alfred_dev.plan import Endpoint, Plan, PlannedService, SourceKind
from alfred_dev.render import compose, gateway
from alfred_dev.render.gateway.world import GATEWAY, Place, World
from alfred_dev.render.ours import EVERYWHERE, HOME
from alfred_dev.workspace import Artifact

IDENTITY = "identity"
SOCKETS = "run/gateway"
Entry = dict[str, Any]


def add(document: Entry, plan: Plan, user: str) -> tuple[Artifact, ...]:
    """Complete the entries of those that are in ``document``; return the gateway's files.

    ``user``: number of user and group that have this user's files.
    """
    services: dict[str, Entry] = document["services"]
    if IDENTITY in services:
        mounted = _shared(f"../data/{IDENTITY}", f"{HOME}/data/{IDENTITY}", read_only=True)
        services[IDENTITY] |= {"user": user, "volumes": [mounted]}
    if GATEWAY not in services or plan.access is None:
        return ()
    files = gateway.render(plan, replace(plan.access, addresses=(EVERYWHERE,)), PLACE)
    once = next(a.text for a in files if a.path == gateway.BOOTSTRAP)
    entry = services[GATEWAY]
    entry |= {"user": user, **_gateway(plan[GATEWAY], plan)}
    entry["labels"][compose.FILES] = hashlib.sha256(once.encode()).hexdigest()[:16]
    return files


def _gateway(service: PlannedService, plan: Plan) -> Entry:
    published = service.source.kind is SourceKind.IMAGE
    return {
        **({"command": ["envoy", *arguments()]} if published else {}),
        "working_dir": HOME,
        "volumes": [
            _shared(f"./{gateway.FOLDER}", f"{HOME}/render/{gateway.FOLDER}", read_only=True),
            _shared(f"../{SOCKETS}", f"{HOME}/{SOCKETS}", read_only=False),
        ],
        "networks": dict.fromkeys(compose.networks(plan), {"aliases": list(_aliases(plan))}),
        "ports": list(_ports(service, plan)),
        # It is nobody special, and 443 is 443 inside as well.
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
    }


def _shared(source: str, target: str, *, read_only: bool) -> Entry:
    """Mount a folder: a file that is replaced by another of its name is seen in a folder alone."""
    mount: Entry = {"type": "bind", "source": source, "target": target}
    return {**mount, "read_only": read_only, "bind": {"create_host_path": False}}


def _aliases(plan: Plan) -> Iterator[str]:
    assert plan.access is not None  # noqa: S101 - asked before
    yield from (h.name for h in World(plan=plan, access=plan.access, place=PLACE).names)


def _ports(service: PlannedService, plan: Plan) -> Iterator[str]:
    assert plan.access is not None  # noqa: S101 - asked before
    for address in plan.access.addresses:
        host = f"[{address}]" if ":" in address else address
        yield from (f"{host}:{e.port}:{e.container_port}" for e in service.endpoints)


def _address(service: PlannedService, endpoint: Endpoint) -> tuple[str, int] | None:
    """Return where it is in the network; of this machine's processes the dashboard's socket."""
    if service.id == DASHBOARD:
        return DASHBOARD_SOCKET, 0
    return None if service.is_process else (service.id, endpoint.container_port)


PLACE = Place(
    address=_address,
    listen=lambda endpoint: endpoint.container_port,
    watched=f"render/{gateway.FOLDER}",
    sockets=SOCKETS,
)
