"""One suite for two servers: ours, and Google's emulator where the machine has it.

Where the two differ a test says so, and docs/engines.md lists it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from tests.unit.embedded.pubsub import servers
from tests.unit.embedded.pubsub.servers import World, texts

DEADLINE_S = 10  # the shortest that the API has; Google's emulator takes less, and so do we


GOOGLE = pytest.param("google", marks=[pytest.mark.slow, pytest.mark.xdist_group("google")])


@pytest.fixture(scope="module", params=["ours", GOOGLE])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    if request.param == "ours":
        with servers.ours() as service:
            yield "ours", service.port
    else:
        with servers.google() as port:
            yield "google", port


@pytest.fixture
def world(server: tuple[str, int]) -> Iterator[World]:
    name, port = server
    made = World.on(port, name)
    yield made
    made.close()


def refused(call: Callable[[], Any]) -> str:
    """Return the name of the code with which a call is refused."""
    from google.api_core.exceptions import GoogleAPICallError

    with pytest.raises(GoogleAPICallError) as caught:
        call()
    code = caught.value.grpc_status_code
    return code.name if code else ""


def test_a_topic_is_made_found_and_deleted_once(world: World) -> None:
    topic = world.topic()
    assert world.publisher.get_topic(topic=topic).name == topic
    assert refused(lambda: world.publisher.create_topic(name=topic)) == "ALREADY_EXISTS"
    world.publisher.delete_topic(topic=topic)
    assert refused(lambda: world.publisher.get_topic(topic=topic)) == "NOT_FOUND"
    assert refused(lambda: world.publisher.delete_topic(topic=topic)) == "NOT_FOUND"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "xyz",
        "projects/p/topics/ab",
        "projects/p/topics/goog-x",
        "projects/p/topics/a b c",
        "projects/p/topics/" + "a" * 256,
        "projects/p/topics/1abc",
        "projects/p/subscriptions/abc",
    ],
)
def test_a_bad_name_is_an_invalid_argument(world: World, name: str) -> None:
    assert refused(lambda: world.publisher.create_topic(name=name)) == "INVALID_ARGUMENT"


def test_a_subscription_has_the_defaults_of_the_service(world: World) -> None:
    topic = world.topic()
    name = world.subscription()
    found = world.subscriber.get_subscription(subscription=name)
    assert (found.topic, found.ack_deadline_seconds) == (topic, 10)
    assert found.message_retention_duration.total_seconds() == 7 * 86400
    assert refused(world.subscription) == "ALREADY_EXISTS"
    world.subscriber.delete_subscription(subscription=name)
    get = world.subscriber.get_subscription
    assert refused(lambda: get(subscription=name)) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"topic": "not-there"}, "NOT_FOUND"),
        ({"ack_deadline_seconds": 601}, "INVALID_ARGUMENT"),
        ({"ack_deadline_seconds": -1}, "INVALID_ARGUMENT"),
        ({"message_retention_duration": {"seconds": 1}}, "INVALID_ARGUMENT"),
        ({"retry_policy": {"minimum_backoff": {"seconds": 601}}}, "INVALID_ARGUMENT"),
        ({"retry_policy": {"minimum_backoff": {"seconds": 60}, "maximum_backoff": {"seconds": 6}}},
         "INVALID_ARGUMENT"),
        ({"dead_letter_policy": {"max_delivery_attempts": 5}}, "NOT_FOUND"),
    ],
)  # fmt: skip
def test_what_a_subscription_cannot_be(world: World, more: dict[str, Any], code: str) -> None:
    world.topic()
    assert refused(lambda: world.subscription(**more)) == code


@pytest.mark.parametrize("attempts", [4, 101])
def test_a_message_is_tried_5_to_100_times(world: World, attempts: int) -> None:
    policy = {"dead_letter_topic": world.topic(), "max_delivery_attempts": attempts}
    assert refused(lambda: world.subscription(dead_letter_policy=policy)) == "OUT_OF_RANGE"


def test_an_update_changes_what_its_mask_names(world: World) -> None:
    world.topic()
    name = world.subscription()

    def update(paths: list[str], **fields: Any) -> Any:
        request = {"subscription": {"name": name, **fields}, "update_mask": {"paths": paths}}
        return world.subscriber.update_subscription(request=request)

    assert update(["ack_deadline_seconds"], ack_deadline_seconds=20).ack_deadline_seconds == 20
    assert refused(lambda: update([])) == "INVALID_ARGUMENT"
    assert refused(lambda: update(["nothing"])) == "INVALID_ARGUMENT"
    assert refused(lambda: update(["topic"])) == "INVALID_ARGUMENT"
    assert refused(lambda: update(["enable_message_ordering"])) == "INVALID_ARGUMENT"


def test_lists_come_in_pages_and_per_project(world: World) -> None:
    full = [world.topic(f"topic-{n}") for n in range(5)]
    subscriptions = [world.subscription(f"sub-{n}", "topic-1") for n in range(3)]
    request = {"project": world.project, "page_size": 2}
    pages = [
        [t.name for t in page.topics] for page in world.publisher.list_topics(request=request).pages
    ]
    assert pages == [full[:2], full[2:4], full[4:]]
    request = {"project": world.project, "page_size": 1}
    assert [s.name for s in world.subscriber.list_subscriptions(request=request)] == subscriptions
    request = {"topic": full[1], "page_size": 2}
    assert list(world.publisher.list_topic_subscriptions(request=request)) == subscriptions
    assert list(world.publisher.list_topic_subscriptions(topic=full[0])) == []


def test_every_subscription_gets_every_message_once(world: World) -> None:
    world.topic()
    names = [world.subscription(f"sub-{n}") for n in range(2)]
    ids = world.publish(["one", "two", "three"], colour="red")
    for name in names:
        received = world.pull_all(name, 3)
        assert sorted(texts(received)) == ["one", "three", "two"]
        assert {one.message.message_id for one in received} == set(ids)
        assert dict(received[0].message.attributes) == {"colour": "red"}
        assert abs(received[0].message.publish_time.timestamp() - time.time()) < 60
        world.acknowledge(name, received)


def test_what_was_published_before_the_subscription_is_not_in_it(world: World) -> None:
    world.topic()
    world.publish(["early"])
    name = world.subscription()
    world.publish(["late"])
    assert texts(world.pull(name)) == ["late"]


@pytest.mark.parametrize(
    "messages", [[], [{}], [{"ordering_key": "k"}], [{"data": b"x"}] * 1001], ids=len
)
def test_what_cannot_be_published(world: World, messages: list[Any]) -> None:
    from google.pubsub_v1 import PublisherClient

    plain = PublisherClient(transport=world.publisher.transport)  # that makes no batches

    def published(topic: str, messages: list[Any]) -> None:
        plain.publish(request={"topic": topic, "messages": messages}, retry=None)

    topic = world.topic()
    assert refused(lambda: published(topic, messages)) == "INVALID_ARGUMENT"
    assert refused(lambda: published(topic + "-none", [{"data": b"x"}])) == "NOT_FOUND"


def test_what_is_not_acknowledged_in_time_comes_again(world: World) -> None:
    world.topic()
    name = world.subscription(ack_deadline_seconds=DEADLINE_S)
    world.publish(["again"])
    first = world.pull(name)
    world.modify(name, first, 1)  # instead of waiting for ten seconds
    began = time.monotonic()
    assert texts(second := world.pull(name)) == ["again"]
    assert 0.5 < time.monotonic() - began < 3.5
    assert second[0].ack_id != first[0].ack_id
    world.modify(name, second, 0)
    assert texts(third := world.pull(name)) == ["again"]
    world.acknowledge(name, first)  # too late: it counts for nothing, and is no error
    world.acknowledge(name, third)
    assert world.pull(name, timeout_s=1.5) == []


def test_a_deadline_can_be_extended(world: World) -> None:
    world.topic()
    name = world.subscription()
    world.publish(["slow"])
    received = world.pull(name)
    world.modify(name, received, 1)
    world.modify(name, received, 600)
    assert world.pull(name, timeout_s=3) == []
    world.acknowledge(name, received)


def test_ack_ids_of_others_and_of_nobody_are_refused(world: World) -> None:
    world.topic()
    mine, other = world.subscription("sub-mine"), world.subscription("sub-other")
    world.publish(["x"])
    received = world.pull(mine)
    assert refused(lambda: world.acknowledge(other, received)) == "INVALID_ARGUMENT"
    assert refused(lambda: world.modify(other, received, 60)) == "INVALID_ARGUMENT"
    assert refused(lambda: world.modify(mine, received, -1)) == "INVALID_ARGUMENT"
    assert refused(lambda: world.acknowledge(mine, [])) == "INVALID_ARGUMENT"
    for wrong in ("garbage", "", f"{mine}:x", f"{mine}:99999999999999999999"):
        acknowledge = partial(world.subscriber.acknowledge, subscription=mine, retry=None)
        assert refused(partial(acknowledge, ack_ids=[wrong])) == "INVALID_ARGUMENT"
    world.acknowledge(mine, received)
    assert texts(world.pull(other)) == ["x"]


def test_a_pull_of_nothing_ends_before_the_clients_patience(world: World) -> None:
    world.topic()
    name = world.subscription()
    assert world.pull(name, timeout_s=2) == []
    began = time.monotonic()
    request = {"subscription": name, "max_messages": 1, "return_immediately": True}
    with pytest.warns(DeprecationWarning):
        answer = world.subscriber.pull(request=request, retry=None, timeout=10)
    assert not answer.received_messages and time.monotonic() - began < 2
    assert refused(lambda: world.pull(name, most=0)) == "INVALID_ARGUMENT"


def test_messages_of_one_key_come_in_their_order(world: World) -> None:
    world.topic()
    name = world.subscription(enable_message_ordering=True)
    for n in range(30):
        world.publisher.publish(world.topic(make=False), f"{n}".encode(), ordering_key=f"k{n % 3}")
    world.publisher.publish(world.topic(make=False), b"last", ordering_key="k9").result(timeout=10)
    seen: dict[str, list[int]] = {}
    done = threading.Event()

    def receive(message: Any) -> None:
        if message.data != b"last":
            seen.setdefault(message.ordering_key, []).append(int(message.data))
        message.ack()
        if sum(map(len, seen.values())) == 30:
            done.set()

    streaming = world.subscriber.subscribe(name, receive)
    assert done.wait(20)
    streaming.cancel()
    streaming.result(timeout=10)
    assert seen == {f"k{k}": list(range(k, 30, 3)) for k in range(3)}


def test_a_key_is_locked_while_some_of_it_is_out(world: World) -> None:
    world.topic()
    name = world.subscription(enable_message_ordering=True)
    world.publish(["1", "2"], ordering_key="k")
    first = world.pull(name, most=1)
    assert texts(first) == ["1"]
    assert world.pull(name, timeout_s=1.5) == []
    world.acknowledge(name, first)
    assert texts(world.pull(name)) == ["2"]


def test_a_message_that_always_fails_is_sent_to_the_dead_letter_topic(world: World) -> None:
    dead_topic = world.topic("the-dead")
    dead = world.subscription("sub-dead", "the-dead")
    world.topic()
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    name = world.subscription(dead_letter_policy=policy)
    world.publish(["poison"], kind="bad")
    for attempt in range(1, 6):
        received = world.pull(name)
        assert [one.delivery_attempt for one in received] == [attempt]
        world.modify(name, received, 0)
    assert world.pull(name, timeout_s=1.5) == []  # Google's emulator sends it on only when asked
    found = world.pull(dead)
    assert texts(found) == ["poison"]
    attributes = dict(found[0].message.attributes)
    assert attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime").endswith("Z")
    assert attributes == {
        "kind": "bad",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "the-sub",
        "CloudPubSubDeadLetterSourceSubscriptionProject": world.project.partition("/")[2],
    }


def test_a_retry_policy_waits_longer_each_time(world: World) -> None:
    world.topic()
    policy = {"minimum_backoff": {"nanos": 400_000_000}, "maximum_backoff": {"seconds": 2}}
    name = world.subscription(retry_policy=policy)
    world.publish(["slowly"])
    waits = []
    for _ in range(4):
        began = time.monotonic()
        received = world.pull(name, timeout_s=10)
        waits.append(time.monotonic() - began)
        world.modify(name, received, 0)
    assert waits[0] < 0.35 and waits[3] > 0.9
    if world.name == "ours":  # Google's emulator does not wait the first time
        assert waits[1] > 0.3 and waits[2] > waits[1]


def test_a_stream_of_the_client_receives_refuses_and_acknowledges(world: World) -> None:
    world.topic()
    name = world.subscription()
    seen: list[str] = []
    done = threading.Event()

    def receive(message: Any) -> None:
        seen.append(message.data.decode())
        if seen.count("bad") == 1 and message.data == b"bad":
            message.nack()
        else:
            message.ack()
        if len(seen) == 3:
            done.set()

    streaming = world.subscriber.subscribe(name, receive)
    world.publish(["good", "bad"])
    assert done.wait(15)
    streaming.cancel()
    streaming.result(timeout=10)
    assert sorted(seen) == ["bad", "bad", "good"]
    assert world.pull(name, timeout_s=1.5) == []


def stream(world: World, *requests: Any, wait_s: float = 1.0) -> list[Any]:
    """Send ``requests`` on a raw stream and return all that comes within ``wait_s`` seconds."""
    from google.api_core.exceptions import DeadlineExceeded
    from google.pubsub_v1 import SubscriberClient

    plain = SubscriberClient(transport=world.subscriber.transport)
    received: list[Any] = []
    over = threading.Event()

    def sent() -> Iterator[Any]:
        yield from requests
        over.wait(wait_s + 5)

    try:
        for answer in plain.streaming_pull(requests=sent(), timeout=wait_s, retry=None):
            received += answer.received_messages
    except DeadlineExceeded:
        pass
    finally:
        over.set()
    return received


def first(name: str, **more: Any) -> Any:
    from google.pubsub_v1.types import StreamingPullRequest

    return StreamingPullRequest(subscription=name, stream_ack_deadline_seconds=10, **more)


def test_a_stream_gets_no_more_than_it_said_it_can_hold(world: World) -> None:
    world.topic()
    name = world.subscription()
    world.publish([f"{n}" for n in range(20)])
    found = stream(world, first(name, max_outstanding_messages=5))
    if world.name == "google":  # it sends all it has
        assert len(found) == 20
        return
    assert len(found) == 5
    # About the bytes: one more than fit, as the service does.
    few = stream(world, first(name, max_outstanding_messages=100, max_outstanding_bytes=60))
    assert 1 <= len(few) < 15
    rest = stream(world, first(name))
    assert 0 < len(rest) <= 15 - len(few)


@pytest.mark.parametrize("wrong", ["nothing", "early", "late", "twice", "garbage", "uneven"])
def test_what_a_stream_may_not_say(world: World, wrong: str) -> None:
    from google.pubsub_v1.types import StreamingPullRequest as Request

    world.topic()
    name = world.subscription()
    said = {
        "nothing": [Request()],
        "early": [Request(subscription=name, stream_ack_deadline_seconds=5)],
        "late": [Request(subscription=name, stream_ack_deadline_seconds=700)],
        "twice": [first(name), Request(subscription=name)],
        "garbage": [first(name), Request(ack_ids=["zz"])],
        "uneven": [first(name), Request(modify_deadline_ack_ids=["zz"])],
    }[wrong]
    assert refused(lambda: stream(world, *said, wait_s=3)) == "INVALID_ARGUMENT"


def test_streams_share_and_a_stream_ends_with_its_subscription(world: World) -> None:
    world.topic()
    name = world.subscription()
    assert refused(lambda: stream(world, first(name + "-none"))) == "NOT_FOUND"
    if world.name == "ours":  # Google's emulator lets it go on
        delete = partial(world.subscriber.delete_subscription, subscription=name)
        threading.Timer(0.5, delete).start()
        assert refused(lambda: stream(world, first(name), wait_s=5)) == "NOT_FOUND"


def test_subscriptions_outlive_their_topic(world: World) -> None:
    topic = world.topic()
    name = world.subscription()
    world.publish(["left"])
    world.publisher.delete_topic(topic=topic)
    assert world.subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    assert texts(world.pull(name)) == ["left"]
    world.topic()  # a new one of that name: nothing to do with the old subscription
    world.publish(["new"])
    assert world.pull(name, timeout_s=1.5) == []


def test_what_only_the_real_service_does_says_so(world: World) -> None:
    world.topic()
    name = world.subscription()
    detach = world.publisher.detach_subscription
    assert refused(lambda: detach(request={"subscription": name}, retry=None)) == "UNIMPLEMENTED"
    if world.name == "google":
        return  # it has snapshots and schemas, and ignores the others without a word
    for more in (
        {"filter": 'attributes.a = "b"'},
        {"enable_exactly_once_delivery": True},
        {"push_config": {"push_endpoint": "http://localhost:1/"}},
        {"bigquery_config": {"table": "a.b.c"}},
    ):
        assert refused(partial(world.subscription, "sub-x", **more)) == "UNIMPLEMENTED"
    snapshot = {"name": f"{world.project}/snapshots/one", "subscription": name}
    create, seek = world.subscriber.create_snapshot, world.subscriber.seek
    assert refused(lambda: create(request=snapshot, retry=None)) == "UNIMPLEMENTED"
    assert refused(lambda: seek(request={"subscription": name}, retry=None)) == "UNIMPLEMENTED"


def test_rest_does_the_same(world: World) -> None:
    base = f"http://127.0.0.1:{world.port}/v1/{world.project}"
    topic, name = f"{world.project}/topics/by-rest", f"{world.project}/subscriptions/by-rest"
    with httpx.Client(base_url=base, trust_env=False, timeout=10) as client:
        assert client.get("/../../../").text.strip() == "Ok"
        assert client.get("/topics").json() == {}
        assert client.put("/topics/by-rest", json={"labels": {"a": "b"}}).json()["name"] == topic
        again = client.put("/topics/by-rest", json={})
        assert (again.status_code, again.json()["error"]["status"]) == (409, "ALREADY_EXISTS")
        made = client.put("/subscriptions/by-rest", json={"topic": topic}).json()
        assert (made["name"], made["ackDeadlineSeconds"]) == (name, 10)
        body = {"messages": [{"data": "aGVsbG8=", "attributes": {"k": "v"}}]}
        ids = client.post("/topics/by-rest:publish", json=body).json()["messageIds"]
        pulled = client.post("/subscriptions/by-rest:pull", json={"maxMessages": 5}).json()
        [received] = pulled["receivedMessages"]
        assert (
            received["message"]["data"] == "aGVsbG8=" and received["message"]["messageId"] == ids[0]
        )
        body = {"ackIds": [received["ackId"]]}
        extend = {**body, "ackDeadlineSeconds": 60}
        assert client.post("/subscriptions/by-rest:modifyAckDeadline", json=extend).json() == {}
        assert client.post("/subscriptions/by-rest:acknowledge", json=body).json() == {}
        assert client.get("/topics?pageSize=1").json()["topics"][0]["name"] == topic
        assert client.get("/topics/by-rest/subscriptions").json() == {"subscriptions": [name]}
        assert client.get("/subscriptions/none").json()["error"]["code"] == 404
        bad = client.post(
            "/topics/by-rest:publish", content=b"{", headers={"content-type": "application/json"}
        )
        assert bad.status_code == 400
        assert client.delete("/subscriptions/by-rest").json() == {}
        assert client.delete("/topics/by-rest").json() == {}
