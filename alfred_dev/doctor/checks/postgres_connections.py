"""Postgres has no connection left, or one session holds up all others."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.stores import Database
from alfred_dev.doctor.look.waits import Blocker, Waits, waits
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.doctor.seen import Service

FULL = ("too many clients", "too many connections", "remaining connection slots")
NEARLY = 0.85


def judge(seen: Waits, given: Given) -> Iterable[Finding]:
    """Find a Postgres that lets nobody in any more, or soon will not, or whose sessions wait."""
    for row in seen.stores.services.ill:
        said = next((e.detail for e in row.status.endpoints
                     if any(words in e.detail for words in FULL)), "")  # fmt: skip
        if said:
            yield Finding(
                subject=row.id,
                cause=f"{row.id} has no connection left for us: {said}",
                evidence=(said,),
                fix=_fix(row),
            )
    for found in seen.stores.databases:
        if found.connections >= NEARLY * found.connections_limit:
            yield _nearly(found)
        if found.holder and found.service not in seen.blockers:
            yield Finding(
                subject=found.service,
                cause=f"session {found.holder} of {found.service} has an open transaction that "
                "does nothing and lets nobody else read a table",
                evidence=(f"pg_locks: session {found.holder}, AccessExclusiveLock, idle",),
                fix=_ending(found.service, found.holder),
            )
    for service, who in seen.blockers.items():
        yield _held(service, who, urgent=seen.urgent)


def _nearly(found: Database) -> Finding:
    return Finding(
        subject=found.service,
        cause=f"{found.service} has {found.connections} of {found.connections_limit} "
        "connections in use: soon it lets nobody in",
        evidence=(f"pg_stat_activity: {found.connections} client backends",),
        severity=Severity.WARNING,
        fix=Fix(text="End the program that holds them, or restart Postgres.",
                commands=(restart(found.service),)),
    )  # fmt: skip


def _held(service: str, who: Blocker, *, urgent: bool) -> Finding:
    name = f" ({who.application})" if who.application else ""
    wait = "another one waits" if who.waiting == 1 else f"{who.waiting} others wait"
    return Finding(
        subject=service,
        cause=f"session {who.pid}{name} of {service} holds a lock for which {wait}: its "
        f"transaction is open since {who.open_s} s",
        evidence=(f"pg_stat_activity: session {who.pid} is {who.doing}",
                  f"pg_blocking_pids: {who.pid}"),
        severity=Severity.ERROR if urgent else Severity.WARNING,
        fix=_ending(service, who.pid),
    )  # fmt: skip


def _ending(service: str, session: int) -> Fix:
    return Fix(
        text="End that session; its transaction is rolled back.",
        commands=(f"alfred-dev exec {service} psql -c 'SELECT pg_terminate_backend({session})'",),
    )


def _fix(row: Service) -> Fix:
    return Fix(
        text="End the program that holds them all, or restart Postgres.",
        commands=(restart(row.id),),
    )


CHECK = Check(
    code="postgres-connections",
    title="Postgres has no connections left, or sessions wait for a lock",
    category=Category.DATA,
    cause="a program opens connections and never closes them, or a transaction was left open",
    fix="end that program, or the session that holds the lock; `alfred-dev restart db-postgres`",
    rank=29,
    quick=False,
    observe=waits,
    judge=judge,
)
