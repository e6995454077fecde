"""A database, schema, role or extension is not there."""

from __future__ import annotations

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import said
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Fix, Given
from alfred_dev.doctor.seen import Service
from alfred_dev.doctor.words import Line


def cause(service: Service, line: Line, given: Given) -> str:
    """Say what its words mean."""
    return f"{service.id} misses something in the database: {line.text}"


def fix(service: Service, line: Line, given: Given) -> Fix:
    """Say what mends it."""
    return Fix(
        text="Make it, or correct the name in the URL that the service is told.",
        commands=(_make(line), f"alfred-dev restart {service.id}"),
    )


def _make(line: Line) -> str:
    kinds = {
        "database": "CREATE DATABASE",
        "schema": "CREATE SCHEMA",
        "extension": "CREATE EXTENSION",
    }
    for kind, verb in kinds.items():
        if name := line.match.groupdict().get(kind):
            return f"alfred-dev exec db-postgres psql -c '{verb} \"{name}\"'"
    return "alfred-dev exec db-postgres psql -c '\\d'"


CHECK = Check(
    code="database-object-missing",
    title="A database object is missing",
    category=Category.DATA,
    cause="a database, schema or table was never made, was dropped, or a URL names another",
    fix="make it (`alfred-dev exec db-postgres psql`), or correct the URL",
    # Who is not let in is told of no object: what was said of one is of earlier.
    depends_on=frozenset({"endpoint-wrong", "engine-down", "login-refused", "password-mismatch"}),
    rank=26,
    observe=services,
    judge=said(words.SCHEMA, cause, fix),
)
