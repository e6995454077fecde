"""Tunnels that are open: closed, and asked whether they are well."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from alfred_dev.errors import UsageError
from alfred_dev.tunnel import agent, state
from alfred_dev.tunnel.model import Record, TunnelSpec

if TYPE_CHECKING:
    from alfred_dev.workspace import Workspace


def close(workspace: Workspace, name: str | None, *, everything: bool) -> list[str]:
    """Close tunnels; returns their names. Raises UsageError for a name that is none."""
    records = state.read(workspace.home)
    if everything:
        return end_all(workspace)
    if name is None and len(records) > 1:
        raise UsageError(
            "usage",
            "which tunnel?",
            cause=f"open are {', '.join(records)}",
            fix=[f"alfred-dev tunnel close {next(iter(records))}", "alfred-dev tunnel close --all"],
        )
    wanted = [name] if name is not None else list(records)
    for found in wanted:
        if found not in records:
            raise UsageError(
                "unknown-tunnel",
                f"there is no tunnel {found}",
                cause=f"open are {', '.join(records)}" if records else "none is open",
                fix=["alfred-dev tunnel list"],
            )
        _close_one(workspace, records[found])
    return wanted


def _close_one(workspace: Workspace, record: Record) -> None:
    state.drop(workspace.home, record.name)  # first: what a supervisor starts again ends itself
    state.end(record)


def end_all(workspace: Workspace) -> list[str]:
    """End every tunnel of a checkout, and the agent behind them."""
    closed = state.end_all(workspace.home)
    agent.end(workspace.run)
    return closed


def tested(workspace: Workspace, name: str | None) -> list[Record]:
    """Ask each tunnel now, here and through its public URL."""
    records = state.live(workspace.home, time.time())
    if name is not None and name not in records:
        raise UsageError(
            "unknown-tunnel",
            f"there is no tunnel {name}",
            cause=f"open are {', '.join(records)}" if records else "none is open",
            fix=["alfred-dev tunnel list"],
        )
    chosen = [r for r in records.values() if name in (None, r.name)]
    return [_tested(record) for record in chosen]


def _tested(record: Record) -> Record:
    from alfred_dev.tunnel import asking, registry

    spec = TunnelSpec.from_json(record.spec)
    provider = registry.provider(spec)
    provider.resume(record.url)
    found = asyncio.run(asking.look(spec, provider))
    return replace(record, healthy=not found.broken, broken=found.broken, detail=found.detail)
