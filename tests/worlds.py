"""Plans and settings made in memory, for tests of pure code."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping

from alfred_dev.catalog.model import Catalog
from alfred_dev.catalog.parse import parse
from alfred_dev.plan import Facts, Plan
from alfred_dev.planner import make
from alfred_dev.settings import Layer, Settings, resolve

SECRETS = {
    "POSTGRES_PASSWORD": "pg-secret-1",
    "REDIS_PASSWORD": "redis-secret-2",
    "MONITORING_ADMIN_PASSWORD": "grafana-secret-3",
    "DB_JWT_SECRET": "jwt-secret-4",
    "ALFRED_RAG_API_KEY": "rag-secret-5",
}
ENGINES = {"db-postgres": "PostgreSQL 18 (test)", "redis": "Valkey 9 (test)"}


@functools.cache
def catalog_text() -> str:
    """The catalog's own file."""
    source = importlib.resources.files("alfred_dev") / "catalog" / "services.yaml"
    return source.read_text(encoding="utf-8")


@functools.cache
def catalog() -> Catalog:
    """The real catalog."""
    return parse(catalog_text(), source="services.yaml")


def settings(**values: str) -> Settings:
    """Settings as from a .env with every secret, and ``values``."""
    entries: Mapping[str, tuple[str, str | None]] = {
        key: (value, f".env:{line}")
        for line, (key, value) in enumerate({**SECRETS, **values}.items(), 1)
    }
    return resolve([Layer(".env", entries)])


def plan(facts: Facts | None = None, **values: str) -> Plan:
    """A plan of the whole catalog."""
    known = facts or Facts(engines=ENGINES, code="code-1")
    return make(catalog(), settings(**values), known)
