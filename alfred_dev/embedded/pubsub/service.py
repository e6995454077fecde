"""The RPCs: a request's message in, an answer's message out. Raises PubsubError for all else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.empty_pb2 import Empty

from alfred_dev.embedded.pubsub import names, stubs
from alfred_dev.embedded.pubsub.broker import Broker, Subscription, Topic, seconds_of
from alfred_dev.embedded.pubsub.errors import Code, PubsubError, invalid, not_done
from alfred_dev.embedded.pubsub.queue import Holder, Lease

PULL_S = 30.0  # how long a Pull without a time limit of its own waits for a message
PULL_MARGIN_S = 1.0  # before a client's time limit: it hears of no message, not of an error
PAGE = 100
PAGE_LIMIT = 1000

TOPIC_FIELDS = frozenset({"labels", "message_retention_duration"})
SUBSCRIPTION_FIELDS = frozenset(
    {"labels", "ack_deadline_seconds", "dead_letter_policy", "retry_policy", "expiration_policy",
     "message_retention_duration", "retain_acked_messages"}
)  # fmt: skip
# What is refused rather than ignored, and what may be said of it without meaning anything here.
_TOPIC_KNOWN = TOPIC_FIELDS | {"name", "state", "satisfies_pzs"}
_SUBSCRIPTION_KNOWN = SUBSCRIPTION_FIELDS | {
    "name", "topic", "push_config", "enable_message_ordering", "state", "detached"
}  # fmt: skip

Handler = Callable[[Any, float | None], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC. ``request``: the class of what comes in; ``handler`` gets it and, for those that
    wait, the seconds that the client will.
    """

    request: Any
    handler: Handler


class Service:
    """Answers for one broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def rpcs(self) -> Mapping[str, Rpc]:
        """Return what is answered, by the RPC's full name. What streams is not among it."""
        publisher: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
            "CreateTopic": ("Topic", self.create_topic),
            "UpdateTopic": ("UpdateTopicRequest", self.update_topic),
            "Publish": ("PublishRequest", self.publish),
            "GetTopic": ("GetTopicRequest", self.get_topic),
            "ListTopics": ("ListTopicsRequest", self.list_topics),
            "ListTopicSubscriptions": ("ListTopicSubscriptionsRequest", self.list_of_topic),
            "DeleteTopic": ("DeleteTopicRequest", self.delete_topic),
        }
        subscriber: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
            "CreateSubscription": ("Subscription", self.create_subscription),
            "GetSubscription": ("GetSubscriptionRequest", self.get_subscription),
            "UpdateSubscription": ("UpdateSubscriptionRequest", self.update_subscription),
            "ListSubscriptions": ("ListSubscriptionsRequest", self.list_subscriptions),
            "DeleteSubscription": ("DeleteSubscriptionRequest", self.delete_subscription),
            "ModifyAckDeadline": ("ModifyAckDeadlineRequest", self.modify_ack_deadline),
            "Acknowledge": ("AcknowledgeRequest", self.acknowledge),
        }
        found = {
            f"Publisher/{name}": Rpc(stubs.message(kind), _at_once(handler))
            for name, (kind, handler) in publisher.items()
        }
        found |= {
            f"Subscriber/{name}": Rpc(stubs.message(kind), _at_once(handler))
            for name, (kind, handler) in subscriber.items()
        }
        return found | {"Subscriber/Pull": Rpc(stubs.message("PullRequest"), self.pull)}

    def create_topic(self, wanted: Any) -> Any:
        """Answer CreateTopic."""
        names.check("topics", wanted.name)
        if wanted.name in self.broker.topics:
            raise PubsubError(Code.ALREADY_EXISTS, "Topic already exists")
        _only(wanted, _TOPIC_KNOWN)
        self.broker.topics[wanted.name] = Topic(wanted)
        return wanted

    def update_topic(self, request: Any) -> Any:
        """Answer UpdateTopic."""
        topic = self.broker.topic(request.topic.name)
        new = _updated("Topic", topic.about, request.topic, request.update_mask, TOPIC_FIELDS)
        topic.about = new
        return new

    def publish(self, request: Any) -> Any:
        """Answer Publish."""
        topic = self.broker.topic(request.topic)
        names.check_messages(request.messages)
        return _PublishResponse(message_ids=self.broker.publish(topic, request.messages))

    def get_topic(self, request: Any) -> Any:
        """Answer GetTopic."""
        return self.broker.topic(request.topic).about

    def list_topics(self, request: Any) -> Any:
        """Answer ListTopics."""
        found, token = self._page(request, self.broker.topics)
        abouts = [self.broker.topics[name].about for name in found]
        return _ListTopicsResponse(topics=abouts, next_page_token=token)

    def list_of_topic(self, request: Any) -> Any:
        """Answer ListTopicSubscriptions."""
        topic = self.broker.topics.get(request.topic)
        found, token = _page(request, topic.subscriptions if topic else ())
        return _ListOfTopicResponse(subscriptions=found, next_page_token=token)

    def delete_topic(self, request: Any) -> Any:
        """Answer DeleteTopic."""
        self.broker.delete_topic(request.topic)
        return Empty()

    def create_subscription(self, wanted: Any) -> Any:
        """Answer CreateSubscription."""
        names.check("subscriptions", wanted.name)
        names.check("topics", wanted.topic)
        if wanted.name in self.broker.subscriptions:
            raise PubsubError(Code.ALREADY_EXISTS, "Subscription already exists")
        if wanted.topic not in self.broker.topics:
            raise PubsubError(Code.NOT_FOUND, "Subscription topic does not exist")
        _only(wanted, _SUBSCRIPTION_KNOWN)
        self._complete(wanted)
        self.broker.subscribe(wanted)
        return wanted

    def get_subscription(self, request: Any) -> Any:
        """Answer GetSubscription."""
        return self.broker.subscription(request.subscription).about

    def update_subscription(self, request: Any) -> Any:
        """Answer UpdateSubscription."""
        changed = self.broker.subscription(request.subscription.name)
        new = _updated(
            "Subscription", changed.about, request.subscription, request.update_mask,
            SUBSCRIPTION_FIELDS,
        )  # fmt: skip
        self._complete(new)
        changed.about = new
        changed.follow()
        return new

    def list_subscriptions(self, request: Any) -> Any:
        """Answer ListSubscriptions."""
        found, token = self._page(request, self.broker.subscriptions)
        abouts = [self.broker.subscriptions[name].about for name in found]
        return _ListSubscriptionsResponse(subscriptions=abouts, next_page_token=token)

    def delete_subscription(self, request: Any) -> Any:
        """Answer DeleteSubscription."""
        self.broker.delete_subscription(request.subscription)
        return Empty()

    def modify_ack_deadline(self, request: Any) -> Any:
        """Answer ModifyAckDeadline."""
        subscription = self.broker.subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified")
        subscription.modify(request.ack_ids, request.ack_deadline_seconds)
        return Empty()

    def acknowledge(self, request: Any) -> Any:
        """Answer Acknowledge."""
        subscription = self.broker.subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified.")
        subscription.acknowledge(request.ack_ids)
        return Empty()

    async def pull(self, request: Any, patience_s: float | None) -> bytes:
        """Answer Pull, as bytes: at once when there is a message, else when there is one."""
        subscription = self.broker.subscription(request.subscription)
        if request.max_messages <= 0:
            raise invalid("No max_messages specified")
        wait_s = PULL_S if patience_s is None else max(patience_s - PULL_MARGIN_S, patience_s / 2)
        puller = _Puller(request.max_messages, subscription)
        subscription.join(puller)
        try:
            await asyncio.wait([puller.taken], timeout=0 if request.return_immediately else wait_s)
        except asyncio.CancelledError:
            puller.give_back()
            raise
        finally:
            subscription.leave(puller)
        return subscription.encoded(puller.taken.result()) if puller.taken.done() else b""

    def _page(self, request: Any, found: Iterable[str]) -> tuple[list[str], str]:
        prefix = names.check_project(request.project) + "/"
        return _page(request, (name for name in found if name.startswith(prefix)))

    def _complete(self, about: Any) -> None:
        """Fill in defaults, and refuse what cannot be. Raises PubsubError."""
        about.ack_deadline_seconds = names.check_deadline(about.ack_deadline_seconds)
        about.push_config.SetInParent()
        if about.push_config.ByteSize():
            raise not_done("push subscriptions")
        if not about.HasField("message_retention_duration"):
            about.message_retention_duration.seconds = names.RETENTION_DEFAULT_S
        names.check_retention(seconds_of(about.message_retention_duration))
        if about.HasField("dead_letter_policy"):
            policy = about.dead_letter_policy
            if policy.dead_letter_topic not in self.broker.topics:
                raise PubsubError(Code.NOT_FOUND, "Dead letter topic not found")
            policy.max_delivery_attempts = names.check_attempts(policy.max_delivery_attempts)
        if about.HasField("retry_policy"):
            _complete_retries(about.retry_policy)


class _Puller:
    """One Pull, which takes messages once."""

    def __init__(self, most: int, subscription: Subscription) -> None:
        self.holder = Holder()
        self.deadline_s = subscription.about.ack_deadline_seconds
        self.most = most
        self.subscription = subscription
        self.taken: asyncio.Future[list[Lease]] = asyncio.get_running_loop().create_future()

    def wants(self) -> int:
        return 0 if self.taken.done() else self.most

    def deliver(self, leases: list[Lease]) -> None:
        self.taken.set_result(leases)
        self.subscription.leave(self)

    def give_back(self) -> None:
        """Return what was taken for a client that has gone."""
        if self.taken.done() and self.taken.exception() is None:
            ids = [lease.number for lease in self.taken.result()]
            self.subscription.queue.refuse(ids, time.monotonic())
            self.subscription.wake()

    def end(self, error: PubsubError) -> None:
        if not self.taken.done():
            self.taken.set_exception(error)


def _at_once(handler: Callable[[Any], Any]) -> Handler:
    async def answer(request: Any, patience_s: float | None) -> Any:
        return handler(request)

    return answer


def _page(request: Any, found: Iterable[str]) -> tuple[list[str], str]:
    """Return one page of names in order, and the token of the next: its page's predecessor."""
    size = min(request.page_size, PAGE_LIMIT) if request.page_size > 0 else PAGE
    rest = sorted(name for name in found if name > request.page_token)
    return rest[:size], rest[size - 1] if len(rest) > size else ""


def _only(wanted: Any, known: frozenset[str]) -> None:
    """Refuse fields that are set and mean something that is not done here. Raises PubsubError."""
    for descriptor, value in wanted.ListFields():
        if descriptor.name not in known and (_is_message(descriptor) or value):
            raise not_done(descriptor.name)


def _is_message(descriptor: Any) -> bool:
    return bool(descriptor.type == FieldDescriptor.TYPE_MESSAGE)


def _updated(kind: str, old: Any, wanted: Any, mask: Any, mutable: frozenset[str]) -> Any:
    """Return a copy of ``old`` with what ``mask`` names taken from ``wanted``."""
    names.check_mask(kind, mask.paths, old.DESCRIPTOR.fields_by_name, mutable)
    new = type(old)()
    new.CopyFrom(old)
    try:
        mask.MergeMessage(wanted, new, replace_message_field=True, replace_repeated_field=True)
    except ValueError as error:
        raise invalid(f"Invalid update_mask provided in the Update{kind}Request: {error}") from None
    return new


def _complete_retries(policy: Any) -> None:
    low, high = names.BACKOFF_S
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = int(low)
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = int(high)
    names.check_backoff(seconds_of(policy.minimum_backoff), seconds_of(policy.maximum_backoff))


_PublishResponse = stubs.message("PublishResponse")
_ListTopicsResponse = stubs.message("ListTopicsResponse")
_ListOfTopicResponse = stubs.message("ListTopicSubscriptionsResponse")
_ListSubscriptionsResponse = stubs.message("ListSubscriptionsResponse")
