"""One checkout's stack: what every command works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alfred_dev.catalog.model import Profile
from alfred_dev.errors import Where
from alfred_dev.plan import Plan
from alfred_dev.runtime.base import Desired, Runtime
from alfred_dev.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One checkout's stack: what there is, and who runs it.

    ``plan`` has every service; ``profiles``: what ``up`` starts when nothing is named, empty for
    everything; ``desired``: what the plan comes to in this runtime, made when first asked for;
    ``initial_sql``: files to run once in a new database.
    """

    workspace: Workspace
    plan: Plan
    profiles: tuple[Profile, ...]
    runtime: Runtime
    desired: Callable[[], Desired]
    initial_sql: tuple[tuple[str, Where], ...] = ()
