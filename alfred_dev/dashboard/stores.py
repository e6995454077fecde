"""What Postgres and Redis count of themselves: they have no ``/metrics``, nor have their images.

The names are those of the exporters that everybody runs beside them, postgres_exporter and
redis_exporter. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Row = tuple[Mapping[str, str], float]

# One row of one column: everything as JSON.
QUERY = """
SELECT json_build_object(
  'max_connections', current_setting('max_connections')::int,
  'databases', (
    SELECT json_object_agg(d.datname, json_build_object(
      'pg_stat_database_numbackends', s.numbackends,
      'pg_stat_database_xact_commit', s.xact_commit,
      'pg_stat_database_xact_rollback', s.xact_rollback,
      'pg_stat_database_blks_read', s.blks_read,
      'pg_stat_database_blks_hit', s.blks_hit,
      'pg_stat_database_deadlocks', s.deadlocks,
      'pg_database_size_bytes', pg_database_size(d.oid)))
    FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid WHERE NOT d.datistemplate)
)::text"""
INFO = ("INFO",)
REDIS = {
    "connected_clients": "redis_connected_clients",
    "maxclients": "redis_config_maxclients",
    "used_memory": "redis_memory_used_bytes",
    "total_commands_processed": "redis_commands_processed_total",
    "keyspace_hits": "redis_keyspace_hits_total",
    "keyspace_misses": "redis_keyspace_misses_total",
    "evicted_keys": "redis_evicted_keys_total",
    "rejected_connections": "redis_rejected_connections_total",
}
_DATABASE = re.compile(r"(?m)^(db[0-9]+):keys=([0-9]+)")
_COUNTERS = re.compile(r"_total$|^pg_stat_database_(xact|blks|deadlocks)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One data store's figures. ``rows``: metric -> its rows; ``connected``: the used share of the
    connections that it takes, 0 to 1, None where it does not say.
    """

    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    connected: float | None = None


def postgres(text: str) -> Store:
    """Return what the answer to ``QUERY`` says; nothing where it is none."""
    try:
        found = json.loads(text)
        most = float(found["max_connections"])
        rows: dict[str, list[Row]] = {"pg_settings_max_connections": [({}, most)]}
        for database, values in found["databases"].items():
            for name, value in values.items():
                rows.setdefault(name, []).append(({"datname": database}, float(value)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Store()
    used = sum(value for _, value in rows.get("pg_stat_database_numbackends", ()))
    return Store(
        rows={k: tuple(v) for k, v in rows.items()}, connected=used / most if most else None
    )


def redis(text: str) -> Store:
    """Return what INFO says; nothing where it is none."""
    found = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    rows: dict[str, tuple[Row, ...]] = {
        name: (({}, float(found[key])),)
        for key, name in REDIS.items()
        if found.get(key, "").isdecimal()
    }
    keys = tuple(({"db": db}, float(n)) for db, n in _DATABASE.findall(text))
    if keys:
        rows["redis_db_keys"] = keys
    most, used = (rows.get(REDIS[key]) for key in ("maxclients", "connected_clients"))
    share = used[0][1] / most[0][1] if used and most and most[0][1] else None
    return Store(rows=rows, connected=share)


def families(stores: Mapping[str, Store]) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield each metric with its kind and its rows, of all ``stores`` (by service)."""
    for name in sorted({name for store in stores.values() for name in store.rows}):
        rows: list[Row] = [
            ({"service": service, **labels}, value)
            for service, store in stores.items()
            for labels, value in store.rows.get(name, ())
        ]
        yield name, "counter" if _COUNTERS.search(name) else "gauge", rows
