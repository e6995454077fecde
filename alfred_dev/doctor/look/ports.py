"""Who listens on our ports, and on which addresses our own services do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.host import listeners
from alfred_dev.host.listeners import Conflict, Listener
from alfred_dev.runtime.base import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """``conflicts``: holders of our ports that are not ours; ``ours``: what our processes listen
    on; ``services``: the state of all."""

    conflicts: tuple[Conflict, ...]
    ours: tuple[tuple[str, Listener], ...]
    services: Services


async def ports(scene: Scene) -> Ports:
    """See every listener on a port of the plan, and every one of our own processes."""
    everything, seen = await asyncio.gather(
        asyncio.to_thread(listeners.listeners, None), scene.see(services)
    )
    inside = scene.stack is not None and scene.stack.plan.runtime == "docker"
    project = scene.workspace.project if scene.workspace else ""
    root = scene.workspace.root if scene.workspace else None
    found = await asyncio.to_thread(_ports, everything, seen, root, inside=inside)
    ours = [c for c in found.conflicts if c.container and c.container.project == project]
    return replace(found, conflicts=tuple(c for c in found.conflicts if c not in ours))


def _ports(everything: list[Listener], seen: Services, root: Path | None, *, inside: bool) -> Ports:
    """``root``: of this checkout; ``inside``: services are containers, for which the engine holds
    the ports."""
    owners = {pid: row.id for row in seen.rows for pid in row.process.pids}
    places = {(row.id, e.endpoint.port)
              for row in seen.rows for e in row.status.endpoints}  # fmt: skip
    published = {port for row in seen.rows for port in row.status.running.ports}
    wanted = {port: name for name, port in places if _ours_to_run(seen, name)}
    foreign = [
        found
        for found in everything
        if found.pid not in owners
        and not (found.keeper and Path(found.keeper.root) == root)  # started since the other look
        and not (inside and found.port in published)
        and not (found.pid is None and found.port in wanted and _again(seen[wanted[found.port]]))
    ]
    conflicts = listeners.conflicts(wanted, foreign)
    # One that is started over may be about to listen: what it says tells who was in its way.
    down = {
        p: n
        for p, n in wanted.items()
        if not seen[n].process.pids and p not in published and not _again(seen[n])
    }
    contained = {row.id for row in seen.rows if row.status.service.contained}
    hidden = listeners.unlisted(down, conflicts, published=contained)
    return Ports(
        conflicts=tuple(listeners.with_containers([*conflicts, *hidden])),
        ours=tuple((owners[f.pid], f) for f in everything if f.pid in owners and f.pid),
        services=seen,
    )


def _again(service: Service) -> bool:
    return service.status.running.state in (State.BACKOFF, State.STARTING) or (
        service.young and service.status.running.restarts > 0
    )


def _ours_to_run(seen: Services, name: str) -> bool:
    return not seen[name].status.service.by_developer
