"""Where a service comes from in containers, with what can be had here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alfred_dev.container_sources import choose, mirrored
from alfred_dev.errors import MachineError
from alfred_dev.plan import EngineFacts, SourceKind
from tests.worlds import catalog

REDIS = catalog().services["redis"]
CORE = catalog().services["agent-core"]


def test_the_order_and_its_fall_backs() -> None:
    image = str(REDIS.image)
    assert choose(REDIS, None).kind is SourceKind.IMAGE
    gone = EngineFacts(unavailable={image: "no such host"})
    assert choose(REDIS, None, gone).kind is SourceKind.EMBEDDED
    assert choose(CORE, "/p").kind is SourceKind.CHECKOUT
    assert choose(CORE, "/p", EngineFacts(unbuilt={"agent-core": "x"})).kind is SourceKind.STAND_IN


def test_data_keeps_its_server() -> None:
    kept = EngineFacts(kept={"redis": "embedded"})
    assert choose(REDIS, None, kept).kind is SourceKind.EMBEDDED
    gone = EngineFacts(kept={"redis": "image"}, unavailable={str(REDIS.image): "no such host"})
    with pytest.raises(MachineError, match="which made its data"):
        choose(REDIS, None, gone)


def test_an_image_that_is_named_no_more_is_missed_by_nobody() -> None:
    once = EngineFacts(kept={"agent-core": "image"})
    assert choose(CORE, None, once).kind is SourceKind.STAND_IN


def test_a_pin_that_cannot_be_had_is_said() -> None:
    pinned = replace(REDIS, source="image")
    with pytest.raises(MachineError, match="no such host"):
        choose(pinned, None, EngineFacts(unavailable={str(REDIS.image): "no such host"}))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("redis:7", "m:5000/redis:7"),
        ("grafana/grafana:11", "m:5000/grafana/grafana:11"),
        ("gcr.io/a/b:1", "m:5000/a/b:1"),
        ("localhost/a:1", "m:5000/a:1"),
    ],
)
def test_a_mirror_has_the_same_path(image: str, expected: str) -> None:
    assert mirrored(image, "m:5000/") == expected


def test_another_image_by_name() -> None:
    named = EngineFacts(named={"redis": "mine/redis"}, registry="m:5000")
    assert choose(REDIS, None, named).path == "m:5000/mine/redis:latest"
