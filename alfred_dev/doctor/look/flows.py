"""One real task through the platform, where everything that takes part is well."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alfred_dev import lifecycle
from alfred_dev.doctor.look.services import said_since, services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.flow.entry import direct
from alfred_dev.flow.model import Broken, Entry, Flow, expected
from alfred_dev.plan import SourceKind
from alfred_dev.runtime.base import Observed, Running, State
from alfred_dev.status import Health

# Google's emulator gives a message to a pull whose client has gone, and again only after ten
# seconds. A later message finds a pull that lives, so a task that is merely late is sent again.
SEND = "alfred_dev.flow.send"
PATIENCE_S = (2.0, 2.0, 2.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """``sent``: whether a task was sent; ``broken``: the hop that it did not take; ``through``:
    the services on its way; ``ended``: who of them ended meanwhile, and how, as far as is known;
    ``said``: what the two of that hop said meanwhile; ``python``: what runs the first of them."""

    sent: bool
    broken: Broken | None = None
    through: frozenset[str] = frozenset()
    ended: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    python: str = ""


async def flows(scene: Scene) -> Flows:
    """Send a task and follow it. Who is ill has a finding of its own: then nothing is sent."""
    if scene.stack is None:
        return Flows(sent=False)
    plan = scene.stack.plan
    entry = direct(plan)
    named = {who for row in expected(Flow.EVENTS, entry.through) for who in row[1:]}
    taking_part = {service.id for service in plan.platform} & named
    # It brings an HTTP client along, which takes a while: meanwhile the others look.
    loaded = asyncio.to_thread(importlib.import_module, SEND)
    seen, _ = await asyncio.gather(scene.see(services), loaded)
    if not _all_play(seen, taking_part):
        return Flows(sent=False)
    began = time.time()
    broken = await tried(entry)
    sent = Flows(sent=True, broken=broken, through=frozenset(taking_part))
    if broken is None:
        return sent
    observed = await asyncio.to_thread(lifecycle.observe, scene.stack)
    two = [name for name in (broken.peer, broken.service) if name in plan.ids]
    lines = [await asyncio.to_thread(said_since, scene.stack, n, began) for n in dict.fromkeys(two)]
    doer = next((r.status.running.spec for r in seen.rows if r.id == broken.service), None)
    return replace(
        sent,
        ended=ended(seen, observed, taking_part),
        said=tuple(line for part in lines for line in part),
        python=doer.argv[0] if doer else "",
    )


def ended(before: Services, after: Observed, names: Collection[str]) -> Mapping[str, str]:
    """Return who is another process now, or none, with how the runtime calls its end. Pure."""
    now = {name: after.services.get(name, Running(state=State.STOPPED)) for name in names}
    return {
        row.id: now[row.id].detail
        for row in before.rows
        if row.id in now and row.status.running.pid and row.status.running.pid != now[row.id].pid
    }


async def tried(entry: Entry, patience: Sequence[float] = PATIENCE_S) -> Broken | None:
    """Send until a task gets through, or somebody says why it does not; return what broke."""
    from alfred_dev.flow.send import send

    broken: Broken | None = None
    for timeout_s in patience:
        (trip,) = await send(Flow.EVENTS, entry, 1, timeout_s=timeout_s, tell=lambda number: None)
        broken = trip.broken
        if broken is None or not broken.late:
            break
    return broken


def _all_play(seen: Services, names: set[str]) -> bool:
    """Tell whether all are healthy, and every agent is a stand-in: others have their own API."""
    rows = [row.status for row in seen.rows if row.status.id in names]
    agents = [s for s in rows if s.id.startswith("agent-")]
    return (
        len(rows) == len(names)
        and all(s.health is Health.HEALTHY for s in rows)
        and all(s.service.source.kind is SourceKind.STAND_IN for s in agents)
    )
