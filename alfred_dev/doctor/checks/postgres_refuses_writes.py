"""Postgres answers, and takes no writes."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.ailing import restart
from alfred_dev.doctor.look.stores import Database, Stores, stores
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given

SETTING = "default_transaction_read_only"


def judge(seen: Stores, given: Given) -> Iterable[Finding]:
    """Find a Postgres that is read-only by a setting, or that is a standby."""
    for row in seen.databases:
        if row.read_only or row.recovery:
            yield Finding(
                subject=row.service,
                cause=_cause(row),
                evidence=(
                    f"default_transaction_read_only: {'on' if row.read_only else 'off'}; "
                    f"pg_is_in_recovery(): {row.recovery}",
                ),
                fix=_fix(row),
            )


def _cause(row: Database) -> str:
    if row.recovery:
        return f"{row.service} is a standby (a standby.signal in its data): it takes no writes"
    return f"{row.service} is read-only: default_transaction_read_only is on"


def _fix(row: Database) -> Fix:
    psql = f"alfred-dev exec {row.service} psql -c"
    if row.recovery:
        return Fix(text="Make it the primary.", commands=(f"{psql} 'SELECT pg_promote()'",))
    whose = {
        "database": f"DATABASE {row.name}",
        "user": "ROLE CURRENT_USER",
        "database-user": f"ROLE CURRENT_USER IN DATABASE {row.name}",
    }.get(row.set_by)
    if whose:  # a session takes it when it begins: those there are would go on with the old one
        return Fix(
            text=f"Take the setting back: it is one of this {row.set_by.replace('-', ' and ')}.",
            commands=(
                f"{psql} 'SET default_transaction_read_only = off' "
                f"-c 'ALTER {whose} RESET {SETTING}'",
                restart(row.service),
            ),
        )
    return Fix(
        text="Take the setting back.",
        commands=(f"{psql} 'ALTER SYSTEM RESET {SETTING}'", f"{psql} 'SELECT pg_reload_conf()'"),
    )


CHECK = Check(
    code="postgres-refuses-writes",
    title="Postgres refuses writes",
    category=Category.DATA,
    cause="it was set read-only, or is a standby",
    fix="`ALTER SYSTEM RESET default_transaction_read_only` by `alfred-dev exec db-postgres psql`",
    depends_on=frozenset({"disk-full", "disk-read-only"}),
    rank=29,
    quick=False,
    observe=stores,
    judge=judge,
)
