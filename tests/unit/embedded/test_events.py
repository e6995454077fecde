"""The flow of events, through real engines and real stand-ins."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alfred_dev.embedded.rag import SIZE, vector_of
from alfred_dev.embedded.work import WORK, financial, legal, social
from alfred_dev.flow.model import Flow, expected
from tests.unit.embedded import platform as playing
from tests.unit.embedded.platform import CORE, WORKERS, Platform

pytestmark = pytest.mark.xdist_group("events")  # one platform for all of these tests


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with playing.up(tmp_path_factory.mktemp("platform")) as made:
        yield made


def done(story: dict[str, object]) -> bool:
    return story["status"] == "done"


def test_a_task_goes_through_everything(platform: Platform) -> None:
    task = platform.post("Review the privacy terms, Jürgen")
    story = platform.until(task, done)
    taken = {hop["hop"] for hop in story["hops"]}
    wanted = {hop for hop, _, _ in expected(Flow.EVENTS, CORE)} - {f"{CORE} answered"}
    assert taken == wanted
    assert all(hop["at"] and hop["ms"] > 0 for hop in story["hops"])
    assert set(story["results"]) == set(WORKERS)
    assert story["results"]["agent-legal"]["terms"] == ["privacy"]
    (mail,) = [mail for mail in platform.mails if task in mail]
    assert "Subject: =?utf-8?" in mail or "Jürgen" in mail


def test_what_is_alike_is_found(platform: Platform) -> None:
    first = platform.post("zebra xylophone quartz")
    platform.until(first, done)
    story = platform.until(platform.post("zebra xylophone quartz again"), done)
    assert "agent-social: zebra xylophone quartz" in story["results"]["agent-social"]["similar"]


def test_a_task_that_fails_is_a_dead_letter_after_five_tries(platform: Platform) -> None:
    task = platform.post("doomed", fail="agent-legal")
    story = platform.until(task, lambda story: story["status"] == "failed")
    assert story["error"] == "agent-legal: the task asked for it"
    assert set(story["results"]) <= {"agent-social", "agent-financial"}
    assert "agent-legal failed, dead-lettered" in [hop["hop"] for hop in story["hops"]]
    tried = platform.services["agent-legal"].text
    assert [tried.count(f"(try {n}): the task asked for it") for n in range(1, 7)] == [1] * 5 + [0]
    assert not any(task in mail for mail in platform.mails)


def test_topics_come_back_with_the_emulator(platform: Platform, tmp_path: Path) -> None:
    old = platform.services["pubsub-emulator"]
    names = set(playing.subscriptions(platform))
    assert names == {f"task.created.{name}" for name in WORKERS} | {f"task.created.dead.{CORE}"}
    old.end(signal.SIGKILL)
    fresh = platform.enter(playing.pubsub(old.port, tmp_path / "pubsub"))
    platform.services["pubsub-emulator"] = fresh
    story = platform.until(platform.post("after the emulator was lost"), done)
    assert set(story["results"]) == set(WORKERS)
    end = time.monotonic() + 10
    while set(playing.subscriptions(platform)) != names:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow  # it waits until the task is told again
def test_a_task_that_was_told_to_nobody_is_not_lost(platform: Platform) -> None:
    workers = [platform.services[name].process for name in WORKERS]
    try:
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        for name in WORKERS:
            playing.forget(platform, f"task.created.{name}")
        task = platform.post("published before anybody had a subscription")
        platform.until(task, lambda s: "published" in [hop["hop"] for hop in s["hops"]])
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
    assert set(platform.until(task, done)["results"]) == set(WORKERS)
    assert f"task {task} is still queued" in platform.services[CORE].text


def test_calls_to_others_are_measured(platform: Platform) -> None:
    platform.until(platform.post("something to measure"), done)
    with platform.services["agent-social"].http() as client:
        families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    samples = families["alfred_call_duration_seconds"].samples
    counted = {
        (s.labels["peer"], s.labels["operation"], s.labels["outcome"])
        for s in samples
        if s.name.endswith("_count")
    }
    assert {("agent-rag", "remember", "ok"), ("db-postgres", "write result", "ok")} <= counted


def test_the_work_is_deterministic() -> None:
    assert social("Buy milk, buy bread") == {"hashtags": ["#buy", "#milk", "#bread"], "words": 4}
    assert financial("a") == financial("a") != financial("b")
    assert legal("A Contract of liability") == {"review": True, "terms": ["contract", "liability"]}
    assert set(WORK) == set(WORKERS)


@pytest.mark.parametrize("text", ["", "one", "one two three", "\ud800", "ä" * 5000])
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    found = vector_of(text)
    assert len(found) == SIZE
    assert sum(x * x for x in found) == pytest.approx(1.0)
