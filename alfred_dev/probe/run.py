"""Ask many at once. The only place that knows how a kind finds its file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Protocol, cast

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.probe.base import ProbeResult, Target


class Prober(Protocol):
    """What every file of a protocol exports as ``probe``."""

    async def __call__(self, target: Target, *, timeout_s: float) -> ProbeResult:
        """Ask ``target`` once. Raises nothing but cancellation."""


def prober(kind: ProbeKind) -> Prober:
    """Return ``probe`` of the module named like ``kind``, imported on first use."""
    return cast(Prober, import_module(f"alfred_dev.probe.{kind}").probe)


async def probe(target: Target, *, timeout_s: float) -> ProbeResult:
    """Ask ``target`` once, in the protocol of its kind; the result says how long it took.

    ``timeout_s``: wall-clock seconds. Raises nothing but cancellation.
    """
    ask = prober(target.kind)
    clock = asyncio.get_running_loop().time
    started = clock()
    result = await ask(target, timeout_s=timeout_s)
    return replace(result, latency_ms=(clock() - started) * 1000)


async def probe_all(
    targets: Sequence[Target], *, timeout_s: float, limit: int = 200
) -> list[ProbeResult]:
    """Ask all ``targets`` once, ``limit`` at a time; the results are in their order.

    ``timeout_s``: wall-clock seconds of each probe from its own start, so silent targets beyond
    ``limit`` wait for their turn. Raises nothing but cancellation, and leaves no task behind.
    """
    gate = asyncio.Semaphore(limit)

    async def in_turn(target: Target) -> ProbeResult:
        async with gate:
            return await probe(target, timeout_s=timeout_s)

    for kind in {target.kind for target in targets}:
        prober(kind)  # imported before any clock runs
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(in_turn(target)) for target in targets]
    return [task.result() for task in tasks]
