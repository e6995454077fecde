"""Waiting for messages, for as long as a stand-in runs, whatever the emulator does meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.peers import PeerError
from alfred_dev.embedded.pubsub_rest import Message, Topics
from alfred_dev.embedded.readiness import Readiness

log = logging.getLogger("alfred_dev.embedded")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0

Handle = Callable[[Message], Awaitable[None]]


class WorkError(Exception):
    """The work could not be done."""


FAILURES = (PeerError, RequestError, WorkError, OSError)
"""What makes the emulator deliver a message again."""


async def subscribe(topics: Topics, service: str, readiness: Readiness, handle: Handle) -> None:
    """Hand every message of the subscription of ``service`` to ``handle``; never returns.

    What it raises makes the emulator deliver again. Topics and subscription are made where they
    are not there, again after the emulator has lost them.
    """
    while (state := readiness.known) is None or topics.peer.name in state.waiting_for:
        await asyncio.sleep(FIRST_PAUSE_S)  # who is not there yet is being asked by others
    pause_s, known = FIRST_PAUSE_S, False
    while True:
        try:
            if not known:
                await topics.ensure()
                known = True
            messages = await topics.pull(service)
            pause_s = FIRST_PAUSE_S
        except PeerError as error:
            known = False
            topics.lost()  # a topic alone does not show that others have made all of it again
            if pause_s >= LONGEST_PAUSE_S or error.status:
                log.warning("no messages: %s", error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            continue
        await asyncio.gather(*(_one(topics, service, message, handle) for message in messages))


async def _one(topics: Topics, service: str, message: Message, handle: Handle) -> None:
    try:
        await handle(message)
    except FAILURES as error:
        log.warning("a message failed (try %d): %s", message.tries, error)
        with suppress(PeerError):  # else its deadline runs out
            await topics.nack(service, [message.ack_id])
        return
    with suppress(PeerError):  # it comes again, and finds that all is done
        await topics.ack(service, [message.ack_id])
