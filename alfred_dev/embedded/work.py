"""The part ``work``: what social, financial and legal do with a new task.

Deterministic, small, and through everything a real agent would use: the event, agent-rag, the
database, and mail when all of them are done.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from alfred_dev.catalog.topology import WORKERS
from alfred_dev.embedded import outcome
from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.events import task_of
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.pubsub_rest import Message, Topics
from alfred_dev.embedded.subscriber import FAILURES, WorkError, subscribe

log = logging.getLogger("alfred_dev.embedded")

Work = Callable[[str], Mapping[str, Any]]


def part(shared: Shared) -> Part:
    """Work on every task that is told of. Raises SpecError for a service without such work."""
    topics = Topics(shared.peer("pubsub-emulator"), shared.project)

    async def handle(message: Message) -> None:
        task_id = task_of(message)
        if task_id is None:
            log.warning("a message that is no task was dropped")
            return
        try:
            await _handle(shared, task_id, message)
        except FAILURES as error:
            with suppress(RequestError):  # the database itself may be what is away
                await shared.store.blame(task_id, str(error))
            raise

    async def listen() -> None:
        await subscribe(topics, shared.spec.id, shared.readiness, handle)

    return Part(background=[listen])


async def _handle(shared: Shared, task_id: uuid.UUID, message: Message) -> None:
    me, store, data = shared.spec.id, shared.store, message.data
    sent = float(message.attributes.get("published_at") or time.time())
    await store.hop(task_id, f"{me} received it", "pubsub-emulator", (time.time() - sent) * 1e3)
    if data.get("fail") == me:
        raise WorkError("the task asked for it")
    title = str(data.get("title", ""))
    began = time.perf_counter()
    found = await shared.peer("agent-rag").call(
        "POST", "/v1/remember", {"id": f"{task_id}", "text": f"{me}: {title}"}, what="remember"
    )
    took = (time.perf_counter() - began) * 1e3
    hops = [(f"{me} asked agent-rag", "agent-rag", took)]
    for step in ("stored", "searched"):
        hops.append((f"agent-rag {step} for {me}", "vector-db", float(found[f"{step}_ms"])))
    await store.hops(task_id, hops)
    result = {**WORK[me](title), "similar": found["similar"]}
    if await store.finish(task_id, result, WORKERS):
        await outcome.mail(shared, task_id)


def social(title: str) -> Mapping[str, Any]:
    """Return what people would find it under."""
    words = [word.lower() for word in re.findall(r"\w+", title)]
    return {"hashtags": [f"#{word}" for word in dict.fromkeys(words)][:5], "words": len(words)}


def financial(title: str) -> Mapping[str, Any]:
    """Return what it would cost, as the same title always does."""
    net = 1000 + zlib.crc32(title.encode()) % 99_000
    return {"net_cents": net, "tax_cents": net * 19 // 100, "gross_cents": net + net * 19 // 100}


def legal(title: str) -> Mapping[str, Any]:
    """Return the words that somebody should look at."""
    terms = ("contract", "guarantee", "liability", "licence", "personal", "privacy")
    risky = [term for term in terms if term in title.lower()]
    return {"review": bool(risky), "terms": risky}


WORK: Mapping[str, Work] = {
    "agent-social": social,
    "agent-financial": financial,
    "agent-legal": legal,
}
