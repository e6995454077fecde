"""What Postgres and Redis count of themselves, as Prometheus is told, and nonsense.

Real ones are read in ``tests/unit/probe/test_text.py``, where they run.
"""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.dashboard import exposition, stores
from alfred_dev.dashboard.stores import Store
from tests.unit.dashboard import views

STATISTICS = json.dumps(
    {
        "max_connections": 100,
        "databases": {
            "postgres": {"pg_stat_database_numbackends": 5, "pg_stat_database_xact_commit": 70},
            "alfred": {"pg_stat_database_numbackends": 3, "pg_stat_database_xact_commit": 8},
        },
    }
)
INFO = (
    "# Clients\r\nconnected_clients:2\r\nmaxclients:10000\r\n# Memory\r\nused_memory:1048576\r\n"
    "used_memory_human:1.00M\r\n# Stats\r\ntotal_commands_processed:12\r\nkeyspace_hits:3\r\n"
    "# Keyspace\r\ndb0:keys=7,expires=0,avg_ttl=0\r\ndb3:keys=1,expires=1,avg_ttl=9\r\n"
)


def test_rows_are_named_as_the_exporters_name_them() -> None:
    found = {"db-postgres": stores.postgres(STATISTICS), "redis": stores.redis(INFO)}
    assert found["db-postgres"].connected == 0.08
    text = exposition.text(views.view(), found)
    for line in (
        "# TYPE pg_stat_database_xact_commit counter",
        'pg_stat_database_xact_commit{service="db-postgres",datname="alfred"} 8.0',
        'pg_settings_max_connections{service="db-postgres"} 100.0',
        "# TYPE redis_memory_used_bytes gauge",
        'redis_commands_processed_total{service="redis"} 12.0',
        'redis_db_keys{service="redis",db="db3"} 1.0',
        'alfred_resource_use_ratio{service="db-postgres",tier="data",resource="connections"} 0.08',
    ):
        assert line + "\n" in text
    assert text.count("# TYPE pg_stat_database_xact_commit ") == 1


@given(st.one_of(st.text(), st.just("[]"), st.just('{"max_connections": 0, "databases": {}}')))
def test_nonsense_has_no_figures(text: str) -> None:
    assert stores.postgres(text).connected is None
    stores.redis(text)
    assert stores.postgres("") == stores.redis("") == Store()
