"""What a running Pub/Sub lacks of what it shall have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from alfred_dev import topology
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.plan import LOOPBACK
from alfred_dev.render import pubsub
from alfred_dev.status import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """``missing``: emulator -> the topics and subscriptions that are not there, or others."""

    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)


async def topics(scene: Scene) -> Topics:
    """Ask every emulator that is healthy; one that is not has a finding of its own."""
    if scene.stack is None or not (wanted := pubsub.declared(scene.stack.plan)):
        return Topics()
    seen = await scene.see(services)
    asked = {
        row.status.id: row.status.endpoints[0].endpoint
        for row in seen.rows
        if row.status.health is Health.HEALTHY and pubsub.speaks(row.status.service)
    }
    found = {}
    for name, endpoint in asked.items():
        assert endpoint.probe is ProbeKind.PUBSUB  # noqa: S101 - what ``speaks`` says
        try:
            found[name] = await asyncio.to_thread(
                topology.drift, LOOPBACK, endpoint.port, wanted, scene.probe_timeout_s
            )
        except topology.TopologyError:
            continue  # it is just ending: then it is not healthy any more
    return Topics(missing={name: lines for name, lines in found.items() if lines})
