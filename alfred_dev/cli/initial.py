"""The initial SQL of alfred.yaml, around ``up``: read before anything starts, run at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alfred_dev.cli import session

if TYPE_CHECKING:
    from alfred_dev.stack import Stack

DATABASE = "db-postgres"


@contextmanager
def sql(stack: Stack) -> Iterator[None]:
    """Read the files, let the block start the database, then run what it has not seen.

    Raises ConfigError before the block, AlfredError after it. A database that is not healthy, or
    that the developer runs, is left alone.
    """
    if not stack.initial_sql:
        yield
        return
    from alfred_dev import initial_sql, lifecycle
    from alfred_dev.probe.targets import target_of
    from alfred_dev.status import Health

    scripts = initial_sql.read(stack.workspace.root, stack.initial_sql)
    yield
    database = stack.plan[DATABASE]
    if database.by_developer:
        session.note(f"initial SQL is not run: {DATABASE} is your own process")
        return
    (found,) = (s for s in lifecycle.look(stack) if s.id == DATABASE)
    if found.health is Health.HEALTHY:
        target = target_of(database.endpoints[0], stack.plan.settings)
        initial_sql.run(target, scripts, session.note)
