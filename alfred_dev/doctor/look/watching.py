"""What services say of watching files, beside what this machine allows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from alfred_dev.doctor.look.machine import Machine, machine
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What services say of watching files, and how many this machine lets a user watch."""

    services: Services
    machine: Machine


async def watching(scene: Scene) -> Watching:
    """See both."""
    found, here = await asyncio.gather(scene.see(services), scene.see(machine))
    return Watching(services=found, machine=here)
