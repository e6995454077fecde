"""The part ``events``: tell everybody of a new task, and note the ones that failed for good.

Told once is not enough: an emulator keeps its messages in memory. See ``outbox``.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import suppress
from typing import Any

from alfred_dev.catalog.topology import CREATED, DEAD, TRIES
from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.outbox import Outbox
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.peers import PeerError
from alfred_dev.embedded.pubsub_rest import Message, Topics
from alfred_dev.embedded.subscriber import subscribe
from alfred_dev.embedded.tasks import Task

log = logging.getLogger("alfred_dev.embedded")

PAUSES_S = (0.2, 1.0, 5.0)  # between attempts to publish


def part(shared: Shared) -> Part:
    """Publish every task that is stored, and listen for dead letters."""
    topics = Topics(shared.peer("pubsub-emulator"), shared.project)
    running: set[asyncio.Task[None]] = set()

    def tell(task: Task) -> None:
        publishing = asyncio.create_task(_publish(shared, topics, task))
        running.add(publishing)
        publishing.add_done_callback(running.discard)

    async def again(task: Task) -> None:
        log.warning("task %s is still queued: told again", task.id)
        await _publish(shared, topics, task)

    outbox = Outbox(lambda: shared.store, again)

    async def resend() -> None:
        while (state := shared.readiness.known) is None or not state.ok:
            await asyncio.sleep(1.0)  # who is not there yet is being asked by others
        await outbox.run()

    async def bury(message: Message) -> None:
        await _bury(shared, message)

    async def listen() -> None:
        await subscribe(topics, shared.spec.id, shared.readiness, bury)

    shared.on_task += [tell, outbox.put]
    return Part(background=[listen, resend])


async def _publish(shared: Shared, topics: Topics, task: Task) -> None:
    """Publish in the background: the client's answer does not wait for it."""
    data = {"id": str(task.id), "title": task.title, "fail": task.fail}
    began = time.perf_counter()
    for pause_s in (*PAUSES_S, None):
        try:
            await topics.publish(data, {"event": CREATED, "published_at": repr(time.time())})
            break
        except PeerError as error:
            log.warning("task %s is not published: %s", task.id, error)
            with suppress(RequestError):
                await shared.store.blame(task.id, str(error))
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
    took = (time.perf_counter() - began) * 1e3
    await shared.store.hop(task.id, "published", topics.peer.name, took)


async def _bury(shared: Shared, message: Message) -> None:
    """Note that a task has failed for good."""
    task_id = task_of(message)
    if task_id is None:
        return  # nobody's: what else stands in this topic is not for us
    from alfred_dev.embedded.task_store import FAILED

    origin = message.attributes.get("CloudPubSubDeadLetterSourceSubscription", "")
    worker = origin.rpartition("/")[2].removeprefix(f"{CREATED}.") or "a service"
    log.warning("task %s failed at %s, %d times: it is in %s", task_id, worker, TRIES, DEAD)
    await shared.store.hop(task_id, f"{worker} failed, dead-lettered", "pubsub-emulator", 0.0)
    await shared.store.end(task_id, FAILED)


def task_of(message: Message) -> uuid.UUID | None:
    """Return the id of the task that a message is about."""
    data: Any = message.data
    try:
        return uuid.UUID(data["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
