"""The databases from inside: do they take writes, and how near are they to their limits?"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.scene import Scene
from alfred_dev.doctor.seen import Services
from alfred_dev.plan import Endpoint, Plan
from alfred_dev.probe import postgres, redis
from alfred_dev.probe.base import ProbeResult, Reason, Target, ill, well
from alfred_dev.probe.targets import target_of
from alfred_dev.status import Health

# A key that lives for a millisecond: whether a write is taken is only known by writing.
WRITE = ("SET", "alfred-dev:doctor", "1", "PX", "1")
CLIENTS = re.compile(r"^(connected_clients|maxclients):(\d+)", re.MULTILINE)
TURNED_AWAY = 3  # how often at most it is asked
NO_PLACE = "max number of clients"  # as Redis calls it when it turns one away
QUESTION = (
    "SELECT concat_ws(' ', current_setting('default_transaction_read_only'), "
    "pg_is_in_recovery(), (SELECT count(*) FROM pg_stat_activity "
    "WHERE backend_type = 'client backend'), current_setting('max_connections'), "
    "(SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'), "
    "coalesce((SELECT min(pid) FROM pg_stat_activity JOIN pg_locks USING (pid) "
    "WHERE state LIKE 'idle in transaction%' AND now() - state_change > interval '1 s' "
    "AND mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL), 0), "
    "(SELECT replace(source, ' ', '-') FROM pg_settings "
    "WHERE name = 'default_transaction_read_only'), quote_ident(current_database()))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A Postgres that lets us in. ``holder``: the server process that has a table to itself in a
    transaction that does nothing, else 0; ``set_by``: which layer of Postgres' settings says
    whether it is read-only (``database``, ``user``, ...); ``name``: of the database, quoted."""

    service: str
    read_only: bool
    recovery: bool
    connections: int
    connections_limit: int
    vector: bool
    holder: int = 0
    set_by: str = ""
    name: str = "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """``writes``: service -> what Redis says of a write; ``databases``: each Postgres."""

    databases: tuple[Database, ...] = ()
    writes: dict[str, ProbeResult] = field(default_factory=dict)
    services: Services


async def stores(scene: Scene) -> Stores:
    """Ask every store that is healthy; one that is not has a finding of its own."""
    seen = await scene.see(services)
    healthy = [
        e.endpoint
        for row in seen.rows
        if row.status.health is Health.HEALTHY and not row.status.service.by_developer
        for e in row.status.endpoints
    ]
    redises = [e for e in healthy if e.probe is ProbeKind.REDIS]
    databases, writes = await asyncio.gather(
        asyncio.gather(*(_database(e, scene) for e in healthy if e.probe is ProbeKind.POSTGRES)),
        asyncio.gather(*(_write(e, scene) for e in redises)),
    )
    return Stores(
        databases=tuple(d for d in databases if d is not None),
        writes={e.service: result for e, result in zip(redises, writes, strict=True)},
        services=seen,
    )


async def _write(endpoint: Endpoint, scene: Scene) -> ProbeResult:
    target, patience = target_of(endpoint, _plan(scene).settings), scene.probe_timeout_s
    for _ in range(TURNED_AWAY):
        result = await written(target, patience)
        if not result.ok:
            break
        told = await redis.text(target, "INFO", "clients", timeout_s=patience)
        if told is not None:  # else it may have been turned away: then it says so of a write
            return ill(Reason.STATUS, said) if (said := crowded(told)) else result
    return result


async def written(target: Target, patience: float) -> ProbeResult:
    """Return what Redis says of a write. One that is slow, to a PING as well, refuses nothing."""
    first = await redis.reply(target, *WRITE, timeout_s=patience)
    if first.reason is not Reason.TIMEOUT:
        return first
    again, ping = await asyncio.gather(
        redis.reply(target, *WRITE, timeout_s=2 * patience),
        redis.reply(target, "PING", timeout_s=2 * patience),
    )
    return again if ping.ok else well("slow")


def crowded(told: str) -> str:
    """Return what INFO says of clients where there is no place for one more, else "". Pure."""
    found = {m[1]: int(m[2]) for m in CLIENTS.finditer(told)}
    here, most = found.get("connected_clients", 0), found.get("maxclients", 0)
    return f"{NO_PLACE}: {here} of {most}" if most and here >= most else ""


async def _database(endpoint: Endpoint, scene: Scene) -> Database | None:
    target = target_of(endpoint, _plan(scene).settings)
    result = await postgres.first_row(target, QUESTION, timeout_s=scene.probe_timeout_s)
    words = result.detail.split(maxsplit=7)
    if not result.ok or len(words) != 8:
        return None
    return Database(
        service=endpoint.service,
        read_only=words[0] == "on",
        recovery=words[1] == "t",
        connections=int(words[2]),
        connections_limit=int(words[3]),
        vector=words[4] != "0",
        holder=int(words[5]),
        set_by=words[6],
        name=words[7],
    )


def _plan(scene: Scene) -> Plan:
    assert scene.stack is not None  # noqa: S101 - checks that need a plan are skipped without
    return scene.stack.plan
