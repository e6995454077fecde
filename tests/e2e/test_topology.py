"""alfred.yaml's topics and subscriptions: there after `up`, and again after the emulator died."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import httpx
import pytest

from tests.e2e.checkout import Checkout

SERVICE = "pubsub-emulator"
BASE = "http://127.0.0.1:8085/v1/projects/alfred-agent-platform"
YAML = """
pubsub:
  topics: [invoice.created]
  subscriptions:
    billing: {{topic: invoice.created, ack_deadline: {deadline}}}
services:
  pubsub-emulator: {{from: {source}}}
"""


def get(path: str) -> Any:
    return httpx.get(f"{BASE}{path}", trust_env=False).json()


def there() -> bool:
    try:
        return bool(get("/subscriptions/billing").get("ackDeadlineSeconds") == 30)
    except httpx.TransportError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("source", ["embedded", "binary"])
def test_topics_are_made_put_back_and_changed(checkout: Checkout, source: str) -> None:
    declared = checkout.root / "alfred.yaml"
    declared.write_text(YAML.format(source=source, deadline=30))
    done = checkout.run("up", SERVICE)
    if "source-missing" in done.stderr or f"cannot come from {source}" in done.stderr:
        pytest.skip("Google's emulator is not on this machine")
    assert done.returncode == 0, done.stderr
    assert get("/topics") and there()
    found = next(s for s in checkout.json("status")["services"] if s["id"] == SERVICE)
    assert found["from"] == source
    os.kill(running_pid(checkout), signal.SIGKILL)
    end = time.monotonic() + 30
    time.sleep(0.2)
    while not there():
        assert time.monotonic() < end, checkout.run("logs", SERVICE).stdout
        time.sleep(0.1)
    before = running_pid(checkout)
    declared.write_text(YAML.format(source=source, deadline=40))
    assert "changed projects" in checkout.run("up", SERVICE).stderr
    assert get("/subscriptions/billing")["ackDeadlineSeconds"] == 40
    assert running_pid(checkout) == before


def running_pid(checkout: Checkout) -> int:
    record = checkout.root / ".alfred/run/started" / f"{SERVICE}.json"
    return int(json.loads(record.read_text())["pid"])
