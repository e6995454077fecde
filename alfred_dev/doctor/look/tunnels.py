"""Tunnels: what is written down of each, and whether its process runs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from alfred_dev.doctor.scene import Scene
from alfred_dev.tunnel import health, state
from alfred_dev.tunnel.health import Trouble
from alfred_dev.tunnel.model import Record, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnels:
    """``troubles``: those that are ill; ``failed``: those that could not be opened."""

    troubles: tuple[Trouble, ...] = ()
    failed: tuple[Record, ...] = ()


async def tunnels(scene: Scene) -> Tunnels:
    """Read tunnels.json; asks no provider."""
    if scene.workspace is None:
        return Tunnels()
    records = await asyncio.to_thread(state.read, scene.workspace.home)
    alive = [name for name, record in records.items() if state.alive(record)]
    return Tunnels(
        troubles=health.troubles(records.values(), alive, now=time.time()),
        failed=tuple(r for r in records.values() if r.state is State.FAILED),
    )
