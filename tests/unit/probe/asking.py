"""How tests ask: a target on a loopback port, and one probe of it from its own event loop."""

from __future__ import annotations

import asyncio
from typing import Any

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import ProbeResult, Reason, Target
from alfred_dev.probe.run import probe
from alfred_dev.probe.wire import DETAIL_LIMIT

PATIENCE_S = 10.0  # for what answers; nothing ever waits for it
HASTE_S = 0.15  # for what never answers
PASSWORD = "s3cret/with%signs"


def target(kind: ProbeKind, port: int, **more: Any) -> Target:
    """Return a target of ``kind`` with everything that any kind needs."""
    given = {"host": "127.0.0.1", "password": PASSWORD, "database": "postgres", "project": "p"}
    if kind is ProbeKind.POSTGRES:
        given["user"] = "postgres"
    return Target(kind=kind, port=port, **(given | more))


def ask(kind: ProbeKind, port: int, *, timeout_s: float = PATIENCE_S, **more: Any) -> ProbeResult:
    """Probe once. Fails where a result is not as every result must be, or a task is left."""

    async def asked() -> ProbeResult:
        result = await probe(target(kind, port, **more), timeout_s=timeout_s)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = asyncio.run(asked())
    assert result.ok == (result.reason is Reason.OK)
    assert result.detail and result.detail.isprintable()
    assert len(result.detail) <= DETAIL_LIMIT
    assert str(more.get("password") or PASSWORD) not in result.detail
    return result
