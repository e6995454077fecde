"""The part ``pubsub`` of alfred.yaml: its schema, and what the schema cannot say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfred_dev.catalog.schema import (
    Document,
    Flag,
    ListOf,
    MapOf,
    Record,
    Text,
    Whole,
    did_you_mean,
)
from alfred_dev.catalog.topology import Subscription, Topology

# The rules of the service: 3 to 255 characters, none of Google's own.
NAME = r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"
SECONDS = Whole("seconds", 0, 600)
TOPIC = Text("the name of a topic: 3 to 255 letters, digits and -._~+%", pattern=NAME)
SPEC = Record(
    "Pub/Sub topics and subscriptions to have",
    {
        "topics": ListOf("topics", TOPIC),
        "subscriptions": MapOf(
            "subscriptions, by name",
            Record(
                "a subscription",
                {
                    "topic": TOPIC,
                    "ack_deadline": Whole("seconds until a message comes again", 10, 600),
                    "ordering": Flag("whether messages with one key come in their order"),
                    "dead_letter": Record(
                        "where what always fails goes",
                        {"topic": TOPIC, "attempts": Whole("attempts before that", 5, 100)},
                        frozenset({"topic"}),
                    ),
                    "retry": Record(
                        "how long to wait before the next attempt",
                        {"minimum": SECONDS, "maximum": SECONDS},
                        frozenset({"minimum"}),
                    ),
                },
                frozenset({"topic"}),
            ),
            NAME,
        ),
    },
)


def build(data: Mapping[str, Any]) -> Topology:
    """Make the nouns from checked data."""
    found = data.get("subscriptions", {})
    return Topology(
        topics=tuple(data.get("topics", ())),
        subscriptions=tuple(_subscription(name, entry) for name, entry in found.items()),
    )


def _subscription(name: str, entry: Mapping[str, Any]) -> Subscription:
    dead, retry = entry.get("dead_letter", {}), entry.get("retry")
    return Subscription(
        name=name,
        topic=entry["topic"],
        ack_deadline_s=entry.get("ack_deadline", 10),
        ordering=entry.get("ordering", False),
        dead_letter=dead.get("topic", ""),
        attempts=dead.get("attempts", 5),
        retry_s=(retry["minimum"], retry.get("maximum", 600)) if retry else None,
    )


def check(mine: Document) -> None:
    """Note what the schema cannot say: what is named must be declared."""
    declared = mine.data.get("pubsub") or {}
    topics = declared.get("topics") or ()
    for i, topic in enumerate(topics):
        if topic in topics[:i]:
            mine.problem(f"the topic {topic} stands here twice", "pubsub", "topics", i)
    for name, entry in (declared.get("subscriptions") or {}).items():
        path = ("pubsub", "subscriptions", name)
        for topic, place in (
            ((entry or {}).get("topic"), (*path, "topic")),
            (
                ((entry or {}).get("dead_letter") or {}).get("topic"),
                (*path, "dead_letter", "topic"),
            ),
        ):
            if topic is not None and topic not in topics:
                hint = did_you_mean(topic, topics)
                mine.problem(f"{topic} is not among pubsub.topics{hint}", *place)
        retry = (entry or {}).get("retry") or {}
        if (retry.get("minimum") or 0) > (retry.get("maximum") or 600):
            mine.problem("the minimum is above the maximum", *path, "retry")
