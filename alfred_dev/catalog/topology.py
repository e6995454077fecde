"""Topics and subscriptions that a project declares or our stand-ins need. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription. ``attempts`` before ``dead_letter``, an empty name for none;
    ``ack_deadline_s`` and ``retry_s`` (least and most, None for at once) are seconds.
    """

    name: str
    topic: str
    ack_deadline_s: int = 10
    ordering: bool = False
    dead_letter: str = ""
    attempts: int = 5
    retry_s: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All that is declared."""

    topics: tuple[str, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()


CREATED, DEAD = "task.created", "task.created.dead"
WORKERS = ("agent-social", "agent-financial", "agent-legal")
"""Who has a subscription to CREATED, and works."""
UNDERTAKER = "agent-core"
"""Who publishes, has the subscription to DEAD, and notes what failed."""
TRIES = 5


def subscription_of(service: str) -> str:
    """Return the name of the subscription of ``service`` in the event flow."""
    return f"{DEAD if service == UNDERTAKER else CREATED}.{service}"


FLOW = Topology(
    topics=(DEAD, CREATED),
    # The publisher's own is the last: once it is there, all are.
    subscriptions=(
        *(
            Subscription(name=subscription_of(w), topic=CREATED, dead_letter=DEAD, attempts=TRIES)
            for w in WORKERS
        ),
        Subscription(name=subscription_of(UNDERTAKER), topic=DEAD),
    ),
)
"""What the stand-ins' flow of events goes through."""

VARIABLE = "ALFRED_PUBSUB_TOPOLOGY"
"""Tells an emulator's process what it shall have: a file, or the text itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to have, as the REST API of Pub/Sub names it: a PUT of ``body`` to ``path``."""

    path: str
    body: Mapping[str, Any]


def wanted(topology: Topology, project: str) -> Iterator[Wanted]:
    """Yield everything of ``topology`` in the Google Cloud project ``project``, topics first."""
    base = f"projects/{project}"
    for topic in topology.topics:
        yield Wanted(f"{base}/topics/{topic}", {})
    for one in topology.subscriptions:
        body: dict[str, Any] = {
            "topic": f"{base}/topics/{one.topic}",
            "ackDeadlineSeconds": one.ack_deadline_s,
        }
        if one.ordering:
            body["enableMessageOrdering"] = True
        if one.dead_letter:
            dead = {"deadLetterTopic": f"{base}/topics/{one.dead_letter}"}
            body["deadLetterPolicy"] = {**dead, "maxDeliveryAttempts": one.attempts}
        if one.retry_s:
            low, high = one.retry_s
            body["retryPolicy"] = {"minimumBackoff": f"{low}s", "maximumBackoff": f"{high}s"}
        yield Wanted(f"{base}/subscriptions/{one.name}", body)


def to_json(found: Iterable[Wanted]) -> str:
    """Return one line that ``from_json`` reads back."""
    return json.dumps([[one.path, one.body] for one in found])


def from_json(text: str) -> list[Wanted]:
    """Read what ``to_json`` wrote. Raises ValueError or TypeError for anything else."""
    return [Wanted(path, body) for path, body in json.loads(text)]
