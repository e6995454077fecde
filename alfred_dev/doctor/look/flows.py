"""One real task through the platform, where everything that takes part is well."""

from __future__ import annotations

from dataclasses import dataclass

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.flow.entry import direct
from alfred_dev.flow.model import Broken, Flow, expected
from alfred_dev.plan import SourceKind
from alfred_dev.status import Health

TIMEOUT_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """``sent``: whether a task was sent; ``broken``: the hop that it did not take."""

    sent: bool
    broken: Broken | None = None


async def flows(scene: Scene) -> Flows:
    """Send one task and follow it. Who is ill has a finding of its own: then nothing is sent."""
    if scene.stack is None:
        return Flows(sent=False)
    plan = scene.stack.plan
    entry = direct(plan)
    named = {who for row in expected(Flow.EVENTS, entry.through) for who in row[1:]}
    taking_part = {service.id for service in plan.platform} & named
    if not _all_play(await scene.see(services), taking_part):
        return Flows(sent=False)
    from alfred_dev.flow.send import send  # brings an HTTP client along

    (trip,) = await send(Flow.EVENTS, entry, 1, timeout_s=TIMEOUT_S, tell=lambda number: None)
    return Flows(sent=True, broken=trip.broken)


def _all_play(seen: Services, names: set[str]) -> bool:
    """Tell whether all are healthy, and every agent is a stand-in: others have their own API."""
    rows = [row.status for row in seen.rows if row.status.id in names]
    agents = [s for s in rows if s.id.startswith("agent-")]
    return (
        len(rows) == len(names)
        and all(s.health is Health.HEALTHY for s in rows)
        and all(s.service.source.kind is SourceKind.STAND_IN for s in agents)
    )
