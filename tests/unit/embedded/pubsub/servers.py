"""Pub/Sub servers and the official client of Google for them."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from alfred_dev import facts
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.catalog.parse import parse
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import Running, listener, spec_of

READY = "Pub/Sub answers on"
SERVICE = "pubsub-emulator"
CATALOG = Path(running.ROOT, "alfred_dev/catalog/services.yaml")


@contextmanager
def ours(*, domain_port: int = 0) -> Iterator[Running]:
    port = listener(domain_port or free_port(), ProbeKind.PUBSUB)
    with running.started(spec_of(SERVICE, [port], stands_in=False)) as service:
        service.wait_for(READY)
        yield service


@contextmanager
def google() -> Iterator[int]:
    """Yield the port of Google's own emulator, or skip where the machine has none."""
    binary = parse(CATALOG.read_text(), source="x").services[SERVICE].binary
    assert binary is not None
    found = facts.find(binary, os.environ["PATH"])
    if isinstance(found, str):
        pytest.skip(found or "Google's emulator is not on this machine")
    port = free_port()
    process = subprocess.Popen(
        [found.path, "--host=127.0.0.1", f"--port={port}"],
        env={**os.environ, **binary.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    end = time.monotonic() + running.TIMEOUT_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("Google's emulator does not answer")


@dataclass
class World:
    """One project of its own on a server, and the official clients."""

    port: int
    name: str
    project: str

    @classmethod
    def on(cls, port: int, name: str = "ours") -> World:
        return cls(port, name, f"projects/p-{uuid.uuid4().hex[:8]}")

    def _client(self, kind: str, **options: Any) -> Any:
        with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
            warnings.simplefilter("ignore")
            from google.cloud import pubsub_v1

            patch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{self.port}")
            return getattr(pubsub_v1, kind)(**options)

    @cached_property
    def publisher(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from google.cloud.pubsub_v1.types import PublisherOptions

        options = PublisherOptions(enable_message_ordering=True)
        return self._client("PublisherClient", publisher_options=options)

    @cached_property
    def subscriber(self) -> Any:
        return self._client("SubscriberClient")

    def topic(self, name: str = "the-topic", *, make: bool = True) -> str:
        full = f"{self.project}/topics/{name}"
        if make:
            self.publisher.create_topic(name=full)
        return full

    def subscription(self, name: str = "the-sub", topic: str = "the-topic", **more: Any) -> str:
        full = f"{self.project}/subscriptions/{name}"
        target = self.topic(topic, make=False)
        self.subscriber.create_subscription(request={"name": full, "topic": target, **more})
        return full

    def publish(self, data: Sequence[str], topic: str = "the-topic", **more: Any) -> list[str]:
        target = self.topic(topic, make=False)
        futures = [self.publisher.publish(target, text.encode(), **more) for text in data]
        return [future.result(timeout=10) for future in futures]

    def pull(self, subscription: str, most: int = 100, timeout_s: float = 4) -> list[Any]:
        request = {"subscription": subscription, "max_messages": most}
        answer = self.subscriber.pull(request=request, timeout=timeout_s, retry=None)
        return list(answer.received_messages)

    def pull_all(self, subscription: str, count: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < count and (more := self.pull(subscription)):
            found += more
        return found

    def acknowledge(self, subscription: str, received: Sequence[Any]) -> None:
        ids = [message.ack_id for message in received]
        self.subscriber.acknowledge(subscription=subscription, ack_ids=ids, retry=None)

    def modify(self, subscription: str, received: Sequence[Any], seconds: int) -> None:
        ids = [message.ack_id for message in received]
        self.subscriber.modify_ack_deadline(
            subscription=subscription, ack_ids=ids, ack_deadline_seconds=seconds, retry=None
        )

    def close(self) -> None:
        if "subscriber" in vars(self):
            self.subscriber.close()
        if "publisher" in vars(self):
            self.publisher.stop()
            self.publisher.transport.close()


def texts(received: Sequence[Any]) -> list[str]:
    return [one.message.data.decode() for one in received]
