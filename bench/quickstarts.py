"""What the official clients' quick starts do, against a stack that runs.

``alfred-dev run -- python -m bench.quickstarts``: in any runtime, with any emulator. Prints a line
for each; ends with 1 when one of them does not see what its documentation promises. The clients
are used as they are: by the variables that they read, or on the ports that they expect.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from typing import Any

from google.cloud import pubsub_v1
from google.cloud.pubsub_v1 import types
from qdrant_client import QdrantClient, models

PROJECT = os.environ.get("GOOGLE_CLOUD_PROJECT", "alfred-agent-platform")
PATIENCE_S = 20.0
POINTS = [
    ("Berlin", [0.05, 0.61, 0.76, 0.74]),
    ("London", [0.19, 0.81, 0.75, 0.11]),
    ("Moscow", [0.36, 0.55, 0.47, 0.94]),
    ("London", [0.18, 0.01, 0.85, 0.80]),
    ("New York", [0.24, 0.18, 0.22, 0.44]),
    ("Tokyo", [0.35, 0.08, 0.11, 0.44]),
]


def name(what: str) -> str:
    """Return a name that nobody else uses."""
    return f"quickstart-{what}-{uuid.uuid4().hex[:8]}"


@contextmanager
def topic(**subscribed: Any) -> Iterator[tuple[str, str]]:
    """Yield the paths of a fresh topic and a subscription to it."""
    publisher = pubsub_v1.PublisherClient()
    path = publisher.create_topic(request={"name": publisher.topic_path(PROJECT, name("t"))}).name
    with pubsub_v1.SubscriberClient() as subscriber:
        wanted = subscriber.subscription_path(PROJECT, name("s"))
        subscriber.create_subscription(request={"name": wanted, "topic": path, **subscribed})
        try:
            yield path, wanted
        finally:
            subscriber.delete_subscription(request={"subscription": wanted})
            publisher.delete_topic(request={"topic": path})


def received(
    subscription: str, count: int, answer: Callable[[Any], object], **options: Any
) -> list[Any]:
    """Return ``count`` messages of a streaming pull, each answered by ``answer``."""
    found: list[Any] = []

    def heard(message: Any) -> None:
        found.append(message)
        answer(message)

    with pubsub_v1.SubscriberClient() as subscriber:
        pulling = subscriber.subscribe(subscription, callback=heard, **options)
        end = time.monotonic() + PATIENCE_S
        while len(found) < count and time.monotonic() < end:
            try:
                pulling.result(timeout=0.1)
            except (NotYet, TimeoutError):
                continue
        time.sleep(0.3)  # acknowledgements leave a moment later
        pulling.cancel()
        pulling.result()
    return found


def publisher_and_subscriber() -> str:
    """Publish nine messages, and receive each once."""
    with topic() as (path, subscription):
        publisher = pubsub_v1.PublisherClient()
        wanted = [f"Message number {n}".encode() for n in range(1, 10)]
        ids = [publisher.publish(path, data, origin="quickstart").result() for data in wanted]
        got = received(subscription, 9, lambda message: message.ack())
        assert sorted(m.data for m in got) == wanted, got
        assert {m.message_id for m in got} == set(ids)
        assert {m.attributes["origin"] for m in got} == {"quickstart"}
    return "9 messages published and received"


def synchronous_pull() -> str:
    """Pull, give one back, acknowledge the others, and get that one again."""
    with topic() as (path, subscription), pubsub_v1.SubscriberClient() as subscriber:
        publisher = pubsub_v1.PublisherClient()
        for n in range(3):
            publisher.publish(path, f"{n}".encode()).result()
        request = {"subscription": subscription, "max_messages": 3}
        found: list[Any] = []
        while len(found) < 3:
            found += subscriber.pull(request=request, timeout=PATIENCE_S).received_messages
        first, *others = (item.ack_id for item in found)
        subscriber.acknowledge(request={"subscription": subscription, "ack_ids": others})
        again = {"subscription": subscription, "ack_ids": [first], "ack_deadline_seconds": 0}
        subscriber.modify_ack_deadline(request=again)
        (last,) = subscriber.pull(request=request, timeout=PATIENCE_S).received_messages
        assert last.message.data == found[0].message.data
        subscriber.acknowledge(request={"subscription": subscription, "ack_ids": [last.ack_id]})
    return "pulled, given back, pulled again"


def ordering() -> str:
    """Publish with ordering keys; each key's messages come in their order."""
    options = types.PublisherOptions(enable_message_ordering=True)
    # The documentation names a region's endpoint; the emulator's address is stronger.
    region = {"api_endpoint": "us-east1-pubsub.googleapis.com:443"}
    publisher = pubsub_v1.PublisherClient(publisher_options=options, client_options=region)
    with topic(enable_message_ordering=True) as (path, subscription):
        for n in range(10):
            for key in ("key1", "key2"):
                publisher.publish(path, f"{n}".encode(), ordering_key=key).result()
        got = received(subscription, 20, lambda message: message.ack())
        for key in ("key1", "key2"):
            assert [int(m.data) for m in got if m.ordering_key == key] == list(range(10)), got
    return "2 keys, each in order"


def dead_letter() -> str:
    """Refuse a message until it is a dead letter."""
    with topic() as (dead, buried):
        policy = types.DeadLetterPolicy(dead_letter_topic=dead, max_delivery_attempts=5)
        with topic(dead_letter_policy=policy) as (path, subscription):
            pubsub_v1.PublisherClient().publish(path, b"poison").result()
            tried = received(subscription, 5, lambda message: message.nack())
            assert [m.delivery_attempt for m in tried[:5]] == [1, 2, 3, 4, 5], tried
            (letter,) = received(buried, 1, lambda message: message.ack())
            assert letter.data == b"poison"
    return "dead after 5 attempts"


def vectors(client: QdrantClient) -> str:
    """Create a collection, add vectors, search, search with a filter."""
    collection = name("v")
    size = models.VectorParams(size=4, distance=models.Distance.DOT)
    client.create_collection(collection_name=collection, vectors_config=size)
    try:
        points = [
            models.PointStruct(id=n, vector=vector, payload={"city": city})
            for n, (city, vector) in enumerate(POINTS, 1)
        ]
        done = client.upsert(collection_name=collection, wait=True, points=points)
        assert done.status == models.UpdateStatus.COMPLETED
        query = [0.2, 0.1, 0.9, 0.7]
        best = client.query_points(collection_name=collection, query=query, limit=3).points
        assert [point.id for point in best] == [4, 1, 3], best
        london = models.FieldCondition(key="city", match=models.MatchValue(value="London"))
        found = client.query_points(
            collection_name=collection,
            query=query,
            query_filter=models.Filter(must=[london]),
            with_payload=True,
            limit=3,
        ).points
        assert [(point.id, point.payload) for point in found] == [
            (4, {"city": "London"}),
            (2, {"city": "London"}),
        ], found
    finally:
        client.delete_collection(collection)
    return "6 points; the nearest, and the nearest of London"


def rest() -> str:
    """Qdrant over REST."""
    return vectors(QdrantClient(url=os.environ["ALFRED_QDRANT_URL"]))


def grpc() -> str:
    """Qdrant over gRPC, on the port beside."""
    url = os.environ["ALFRED_QDRANT_URL"]
    port = int(url.rpartition(":")[2])
    return vectors(QdrantClient(url=url, grpc_port=port + 1, prefer_grpc=True))


ALL = (publisher_and_subscriber, synchronous_pull, ordering, dead_letter, rest, grpc)


def main() -> int:
    """Run all of them, or those that are named."""
    chosen = set(sys.argv[1:]) or {one.__name__ for one in ALL}
    failed = 0
    for one in (one for one in ALL if one.__name__ in chosen):
        began = time.perf_counter()
        try:
            said = one()
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are run too
            failed, said = failed + 1, f"FAILED: {type(error).__name__}: {error}"
        print(f"{one.__name__:26} {time.perf_counter() - began:6.2f} s  {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
