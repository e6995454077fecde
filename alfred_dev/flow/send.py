"""Sending a flow's requests, and following each to its end."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from alfred_dev.flow.model import TOTAL, Broken, Entry, Flow, Trip, missing

TASKS = "/v1/tasks"
REQUEST_TIMEOUT_S = 10.0
POLL_S = 0.02
PAUSE_S, PATIENCE = 1.0, 65  # a minute's limit is over after a minute
TITLE = "Flow {number}: review the privacy terms of a contract"

Tell = Callable[[int], object]


async def send(flow: Flow, entry: Entry, n: int, *, timeout_s: float, tell: Tell) -> list[Trip]:
    """Send ``n`` requests, one after the other, and follow each. Ends with the first that breaks.

    ``timeout_s``: seconds that one may take to its end; ``tell``: hears how many are done.
    """
    trips: list[Trip] = []
    trusted = ssl.create_default_context(cafile=entry.verify) if entry.verify else True
    async with (
        httpx.AsyncClient(
            base_url=entry.base,
            headers=dict(entry.headers),
            verify=trusted,
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
        ) as door,
        # Its questions are no traffic of the flow: the gateway would count them.
        httpx.AsyncClient(base_url=entry.core, timeout=REQUEST_TIMEOUT_S, trust_env=False) as core,
    ):
        for number in range(1, n + 1):
            trip = await _trip(flow, entry, (door, core), number, timeout_s)
            trips.append(trip)
            tell(number)
            if trip.broken is not None:
                break
    return trips


Clients = tuple[httpx.AsyncClient, httpx.AsyncClient]


async def _trip(flow: Flow, entry: Entry, clients: Clients, number: int, timeout_s: float) -> Trip:
    door = f"{entry.through} answered"
    made, answered = await _posted(clients[0], TITLE.format(number=number))
    if isinstance(made, str):
        return Trip(hops={}, broken=_unanswered(door, entry, made))
    seen = {door: answered}
    deadline = time.monotonic() + (timeout_s if flow is Flow.EVENTS else 0.0)
    while True:
        told = await _asked(clients[1].get(f"{TASKS}/{made['id']}"), 200)
        detail = told if isinstance(told, str) else ""
        if not isinstance(told, str):
            seen |= {hop["hop"]: hop["ms"] for hop in told["hops"]}
            detail = str(told.get("error", ""))
        broken = missing(flow, entry.through, seen, detail, timeout_s=timeout_s)
        ended = isinstance(told, str) or told["status"] == "failed"
        if broken is None and not isinstance(told, str):
            total = answered if flow is Flow.API else _span_ms(told)
            return Trip(hops={**seen, TOTAL: total})
        if ended or time.monotonic() > deadline:
            return Trip(hops=seen, broken=broken)
        await asyncio.sleep(POLL_S)


async def _posted(client: httpx.AsyncClient, title: str) -> tuple[Any, float]:
    """Return the new task, or why there is none, and the milliseconds of the answer."""
    for _ in range(PATIENCE):
        began = time.perf_counter()
        made = await _asked(client.post(TASKS, json={"title": title}), 201)
        answered = (time.perf_counter() - began) * 1e3
        if not isinstance(made, str) or not made.startswith("HTTP 429"):
            break
        await asyncio.sleep(PAUSE_S)  # the gateway lets so many in a minute
    return made, answered


def _unanswered(door: str, entry: Entry, detail: str) -> Broken:
    if "database-unavailable" in detail:  # it answered, and says whom it misses
        return Broken(hop="stored", service="agent-core", peer="db-postgres", detail=detail)
    return Broken(hop=door, service=entry.through, peer="agent-core", detail=detail)


async def _asked(asking: Any, status: int) -> Any:
    """Return the JSON of an answer, or in a line why there is none."""
    try:
        answer: httpx.Response = await asking
        if answer.status_code != status:
            return f"HTTP {answer.status_code}: {_said(answer)}"
        return answer.json()
    except httpx.HTTPError as error:
        return f"no answer: {error or type(error).__name__}"
    except ValueError:
        return "the answer is not JSON"


def _said(answer: httpx.Response) -> str:
    return " ".join(answer.text.split())[:200]


def _span_ms(task: Mapping[str, Any]) -> float:
    """Return the milliseconds from the task's creation to its last hop, by one clock."""
    last = max(datetime.fromisoformat(hop["at"]) for hop in task["hops"])
    return (last - datetime.fromisoformat(task["created_at"])).total_seconds() * 1e3
