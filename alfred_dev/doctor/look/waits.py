"""Who holds up the sessions of a Postgres: asked while a task is on its way, which may wait too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.doctor.look.flows import flows
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.look.stores import Stores, stores
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.probe import postgres
from alfred_dev.probe.base import Target
from alfred_dev.probe.targets import target_of
from alfred_dev.status import Health

PAUSE_S = 0.6
ILL_S = 2.5  # where no task is sent, the next try of who is ill may wait for the lock
# Servers before 14 do not know since when a lock is waited for, but when the statement began.
QUESTION = (
    "SELECT coalesce((SELECT concat_ws(' ', b.pid, count(DISTINCT w.pid), coalesce(round("
    "extract(epoch FROM clock_timestamp() - b.xact_start)), 0), replace(coalesce("
    "b.state, '?'), ' ', '-'), b.application_name) "
    "FROM pg_locks l JOIN pg_stat_activity w ON w.pid = l.pid "
    "JOIN pg_stat_activity b ON b.pid = ANY(pg_blocking_pids(l.pid)) "
    "WHERE NOT l.granted AND coalesce(b.wait_event_type, '') <> 'Lock' "
    "AND clock_timestamp() - coalesce((to_jsonb(l)->>'waitstart')::timestamptz, w.query_start) "
    "> interval '1.5 s' "
    "GROUP BY b.pid, b.xact_start, b.state, b.application_name "
    "ORDER BY count(DISTINCT w.pid) DESC, b.pid LIMIT 1), '')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A session ``pid`` for which ``waiting`` others wait. ``open_s``: seconds since its
    transaction began; ``doing``: the server's word for what it does; ``application``: its own
    name for itself, which may be empty."""

    pid: int
    waiting: int
    open_s: int
    doing: str
    application: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """``blockers``: Postgres -> who holds it up; ``urgent``: whether anything fails meanwhile."""

    stores: Stores
    blockers: Mapping[str, Blocker] = field(default_factory=dict)
    urgent: bool = False


Ask = Callable[[Scene], Awaitable[dict[str, Blocker]]]


async def asked(scene: Scene) -> dict[str, Blocker]:
    """Return whom each Postgres names. One that does not answer has a finding of its own."""
    targets = _targets(scene, await scene.see(services))
    answers = await asyncio.gather(
        *(postgres.first_row(t, QUESTION, timeout_s=scene.probe_timeout_s)
          for t in targets.values())
    )  # fmt: skip
    read = {name: blocker(a.detail if a.ok else "")
            for name, a in zip(targets, answers, strict=True)}  # fmt: skip
    return {name: who for name, who in read.items() if who is not None}


async def waits(scene: Scene, ask: Ask = asked) -> Waits:
    """Ask each Postgres that is well until one names somebody, or all have had their try."""
    seen = await scene.see(services)
    trying = asyncio.ensure_future(scene.see(flows))
    enough = time.monotonic() + (ILL_S if _may_wait(seen) else 0)
    while True:
        over = trying.done() and time.monotonic() >= enough
        found = await ask(scene)
        if found or over:
            break
        if trying.done():
            await asyncio.sleep(PAUSE_S)
        else:
            await asyncio.wait({trying}, timeout=PAUSE_S)
    await asyncio.wait({trying})  # if it crashes, its own check says so
    broken = trying.exception() is None and trying.result().broken is not None
    return Waits(stores=await scene.see(stores), blockers=found, urgent=broken or any(seen.ill))


def _may_wait(seen: Services) -> bool:
    """Tell whether anybody who is ill needs a Postgres that is well."""
    stores = {
        row.id
        for row in seen.rows
        if row.status.health is Health.HEALTHY
        and any(e.endpoint.probe is ProbeKind.POSTGRES for e in row.status.endpoints)
    }
    return any(row.runs and stores & set(row.status.service.depends_on) for row in seen.ill)


def _targets(scene: Scene, seen: Services) -> dict[str, Target]:
    """Return every Postgres of ours that is well."""
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    settings = scene.stack.plan.settings
    return {
        e.endpoint.service: target_of(e.endpoint, settings)
        for row in seen.rows
        if row.status.health is Health.HEALTHY and not row.status.service.by_developer
        for e in row.status.endpoints
        if e.endpoint.probe is ProbeKind.POSTGRES
    }


def blocker(row: str) -> Blocker | None:
    """Read a row of ``QUESTION``: four words, then the name, which may be empty. Pure."""
    words = row.split(" ", 4)
    if len(words) < 4:
        return None
    pid, waiting, seconds, doing = words[:4]
    return Blocker(
        pid=int(pid),
        waiting=int(waiting),
        open_s=int(seconds),
        doing=doing.replace("-", " "),
        application="".join(words[4:]).strip(),
    )
