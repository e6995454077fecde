"""What happens in the queues, in the text format of Prometheus. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alfred_dev.embedded.pubsub.broker import Broker

_COUNTED = {
    "received": "Messages that came to a subscription.",
    "delivered": "Messages handed out, each time they were.",
    "acknowledged": "Messages acknowledged.",
    "buried": "Messages sent on to a dead-letter topic.",
}


def figures(broker: Broker) -> str:
    """Return everything measured."""
    return "\n".join([*_lines(broker), ""])


def _lines(broker: Broker) -> Iterator[str]:
    topics = {name: topic.published for name, topic in broker.topics.items()}
    yield from _family("published_total", "Messages published to a topic.", "topic", topics)
    found = broker.subscriptions
    for what, about in _COUNTED.items():
        values = {name: one.counts[what] for name, one in found.items()}
        yield from _family(f"{what}_total", about, "subscription", values)
    values = {name: len(one.queue) for name, one in found.items()}
    yield from _family("unacknowledged", "Messages that are kept.", "subscription", values)
    values = {name: len(one.queue.leases) for name, one in found.items()}
    yield from _family("leased", "Messages handed out and kept.", "subscription", values)


def _family(name: str, about: str, label: str, values: Mapping[str, int]) -> Iterator[str]:
    full = f"alfred_pubsub_{name}"
    yield f"# HELP {full} {about}"
    yield f"# TYPE {full} {'counter' if name.endswith('_total') else 'gauge'}"
    for key, value in values.items():
        yield f'{full}{{{label}="{_escaped(key)}"}} {value}'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
