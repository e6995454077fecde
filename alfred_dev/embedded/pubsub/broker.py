"""Topics and subscriptions in memory, and who gets the next message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from alfred_dev.embedded.pubsub import names, stubs, wire
from alfred_dev.embedded.pubsub.errors import Code, PubsubError
from alfred_dev.embedded.pubsub.queue import Holder, Lease, Message, Policy, Queue

BATCH_BYTES = 3 * 1024 * 1024  # of one response; most gRPC clients take 4 MB
_PubsubMessage = stubs.message("PubsubMessage")


class Consumer(Protocol):
    """Somebody who waits for messages of one subscription."""

    holder: Holder
    deadline_s: int

    def wants(self) -> int:
        """Return how many messages it would take now."""

    def deliver(self, leases: list[Lease]) -> None:
        """Take messages."""

    def end(self, error: PubsubError) -> None:
        """Hear that there is nothing to wait for any more."""


@dataclass(slots=True, eq=False)
class Topic:
    """A topic. ``about``: its description as the API tells it."""

    about: Any
    published: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


class Subscription:
    """One subscription: its messages, and the consumers that share them."""

    def __init__(self, about: Any, bury: Callable[[Subscription, Message], bool]) -> None:
        self.about = about
        self.queue = Queue(Policy(bury=lambda message: bury(self, message)))
        self.consumers: dict[Consumer, None] = {}
        self.counts = dict.fromkeys(("received", "delivered", "acknowledged", "buried"), 0)
        self._timer: asyncio.TimerHandle | None = None
        self._pumping: asyncio.Handle | None = None
        self.follow()

    @property
    def name(self) -> str:
        """The full name."""
        return str(self.about.name)

    def follow(self) -> None:
        """Follow what the description says by now."""
        about, policy = self.about, self.queue.policy
        policy.ordered = about.enable_message_ordering
        policy.attempts = about.dead_letter_policy.max_delivery_attempts
        policy.backoff = _backoff(about) if about.HasField("retry_policy") else lambda attempts: 0.0

    @property
    def counts_attempts(self) -> bool:
        """Whether deliveries tell their attempt."""
        about = self.about
        return any(about.HasField(name) for name in ("dead_letter_policy", "retry_policy"))

    def put(self, body: bytes, key: str, sequence: int) -> None:
        """Add a message."""
        self.counts["received"] += 1
        self.queue.put(Message(body, key, sequence))
        self.wake()

    def encoded(self, leases: Iterable[Lease]) -> bytes:
        """Return deliveries as the fields of a response."""
        tell, name = self.counts_attempts, self.name
        return b"".join(
            wire.received(f"{name}:{one.number}", one.message.body, tell and one.message.attempts)
            for one in leases
        )

    def acknowledge(self, ack_ids: Iterable[str]) -> None:
        """Forget messages. Raises PubsubError when one id is none of this subscription."""
        numbers = [names.ack_number(text, self.name) for text in ack_ids]
        before = len(self.queue)
        self.queue.acknowledge(numbers)
        self.counts["acknowledged"] += before - len(self.queue)
        self.wake()

    def modify(self, ack_ids: Iterable[str], seconds: int) -> None:
        """Move deadlines to ``seconds`` from now; 0 hands messages back. Raises PubsubError."""
        numbers = [names.ack_number(text, self.name) for text in ack_ids]
        names.check_extension(seconds)
        now = time.monotonic()
        if seconds:
            self.queue.extend(numbers, now + seconds)
        else:
            self.queue.refuse(numbers, now)
        self.wake()

    def join(self, consumer: Consumer) -> None:
        """Give ``consumer`` its share from now on."""
        self.consumers[consumer] = None
        self.wake()

    def leave(self, consumer: Consumer) -> None:
        """Give ``consumer`` nothing more."""
        self.consumers.pop(consumer, None)

    def close(self, error: PubsubError) -> None:
        """End all waiting: the subscription is gone."""
        for consumer in list(self.consumers):
            consumer.end(error)
        self.consumers.clear()
        for handle in (self._timer, self._pumping):
            if handle is not None:
                handle.cancel()

    def wake(self) -> None:
        """Hand out, soon, what can be."""
        if self._pumping is None:
            self._pumping = asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = None
        self.queue.tick(time.monotonic())
        while self._round():
            pass
        self._arm()

    def _round(self) -> bool:
        """Give every hungry consumer a share; tell whether anybody got anything."""
        hungry = [(c, n) for c in self.consumers if (n := c.wants()) and self.queue.ready(c.holder)]
        served = False
        for consumer, wanted in hungry:
            waiting = len(self.queue) - len(self.queue.leases)
            limit = min(wanted, -(-waiting // len(hungry)))
            deadline = time.monotonic() + consumer.deadline_s
            if leases := self.queue.take(consumer.holder, limit, deadline, BATCH_BYTES):
                served = True
                self.counts["delivered"] += len(leases)
                consumer.deliver(leases)
                # Whoever was served comes last the next time.
                if self.consumers.pop(consumer, self) is None:
                    self.consumers[consumer] = None
        return served

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.queue.next_event()
        if at is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(at - time.monotonic(), 0.001), self._pump_soon)

    def _pump_soon(self) -> None:
        self._timer = None
        self.wake()


def _backoff(about: Any) -> Callable[[int], float]:
    policy = about.retry_policy
    low, high = (seconds_of(getattr(policy, f"{name}imum_backoff")) for name in ("min", "max"))
    return lambda attempts: min(high, low * 2.0 ** min(attempts - 1, 40))


def seconds_of(duration: Any) -> float:
    """Return a protobuf Duration as seconds."""
    return float(duration.seconds + duration.nanos / 1e9)


class Broker:
    """All topics and subscriptions."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._ids = count(1)

    def topic(self, name: str) -> Topic:
        """Return a topic. Raises PubsubError."""
        if name not in self.topics:
            raise PubsubError(Code.NOT_FOUND, "Topic not found")
        return self.topics[name]

    def subscription(self, name: str) -> Subscription:
        """Return a subscription. Raises PubsubError."""
        if name not in self.subscriptions:
            text = f"Subscription does not exist (resource={name.rpartition('/')[2]})"
            raise PubsubError(Code.NOT_FOUND, text)
        return self.subscriptions[name]

    def subscribe(self, about: Any) -> None:
        """Add a subscription to a topic that is there."""
        made = Subscription(about, self._bury)
        self.subscriptions[made.name] = made
        self.topics[about.topic].subscriptions[made.name] = made

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions keep what they have. Raises PubsubError."""
        for subscription in self.topic(name).subscriptions.values():
            subscription.about.topic = names.DELETED_TOPIC
        del self.topics[name]

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription and its messages. Raises PubsubError."""
        gone = self.subscription(name)
        del self.subscriptions[name]
        if gone.about.topic in self.topics:
            del self.topics[gone.about.topic].subscriptions[name]
        gone.close(PubsubError(Code.NOT_FOUND, "Subscription does not exist"))

    def publish(self, topic: Topic, messages: Iterable[Any]) -> list[str]:
        """Give messages to every subscription of ``topic``; return their ids."""
        now = time.time_ns()
        ids = []
        for message in messages:
            sequence = next(self._ids)
            message.message_id = str(sequence)
            message.publish_time.seconds, message.publish_time.nanos = divmod(now, 10**9)
            ids.append(message.message_id)
            if topic.subscriptions:
                body, key = message.SerializeToString(), message.ordering_key
                for subscription in topic.subscriptions.values():
                    subscription.put(body, key, sequence)
        topic.published += len(ids)
        return ids

    def _bury(self, subscription: Subscription, dead: Message) -> bool:
        policy = subscription.about.dead_letter_policy
        topic = self.topics.get(policy.dead_letter_topic)
        if topic is None:  # it was deleted: better tried again than lost
            return False
        message = _PubsubMessage.FromString(dead.body)
        _, project, _, name = subscription.name.split("/")
        prefix = "CloudPubSubDeadLetterSource"
        message.attributes[f"{prefix}DeliveryCount"] = str(dead.attempts)
        message.attributes[f"{prefix}Subscription"] = name
        message.attributes[f"{prefix}SubscriptionProject"] = project
        message.attributes[f"{prefix}TopicPublishTime"] = message.publish_time.ToJsonString()
        self.publish(topic, [message])
        subscription.counts["buried"] += 1
        return True
