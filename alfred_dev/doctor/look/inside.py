"""What services listen on inside their containers, where nobody gets through to them.

From this machine that cannot be seen: the engine accepts for a container, and hangs up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from alfred_dev.doctor.look.engine import compose_of
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import CLOSED, Service, Services
from alfred_dev.host import procnet
from alfred_dev.runtime.compose import ComposeRuntime

TIMEOUT_S = 4.0
TABLES = ("cat", "/proc/net/tcp", "/proc/net/tcp6")
RESOLVER = "127.0.0.11"  # the engine's own, in every container of a network


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """``inside``: service -> (address, port) of all that listens in its container, of those that
    are asked; ``services``: the state of all."""

    inside: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    services: Services


async def listening(scene: Scene) -> Listening:
    """Look into the containers of services that run and whose ports are closed."""
    seen = await scene.see(services)
    compose = compose_of(scene.stack.runtime) if scene.stack else None
    rows = [row for row in seen.ill if _closed(row)] if compose else []
    found = await asyncio.gather(*(asyncio.to_thread(_inside, compose, row) for row in rows))
    return Listening(
        inside={row.id: told for row, told in zip(rows, found, strict=True) if told is not None},
        services=seen,
    )


def _closed(row: Service) -> bool:
    return row.status.service.contained and row.runs and bool(row.ports_with(*CLOSED))


def _inside(compose: ComposeRuntime | None, row: Service) -> tuple[tuple[str, int], ...] | None:
    container = compose.container(row.id) if compose else None
    if compose is None or container is None:
        return None
    done = compose.docker.run("exec", container, *TABLES, timeout_s=TIMEOUT_S)
    return understood(done.out)


def understood(out: str) -> tuple[tuple[str, int], ...] | None:
    """Return who listens, None where that could not be asked. Pure."""
    if "local_address" not in out:
        return None
    rows = {(s.address, s.port) for s in procnet.parse(out) if s.address != RESOLVER}
    return tuple(sorted(rows))
