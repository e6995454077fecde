"""An image that the user names, and that nothing runs from."""

from __future__ import annotations

from typing import Any

import pytest

from alfred_dev.doctor.checks import image_unused
from alfred_dev.doctor.look.configuration import Configuration, EnvFile
from alfred_dev.plan import EngineFacts, Facts, Plan
from tests import worlds
from tests.unit.doctor.scenes import given, judged


def contained(**engine: Any) -> Plan:
    return worlds.plan(Facts(engines=worlds.ENGINES, engine=EngineFacts(**engine), code="1"))


def looked(*values: tuple[str, str]) -> Configuration:
    return Configuration(present=True, files=(EnvFile(path=".env", values=values),))


MINE = ("ALFRED_IMAGE_AGENT_RAG", "mine/rag:1")


@pytest.mark.parametrize(
    ("plan", "seen", "cause"),
    [
        (contained(unavailable={"mine/rag:1": "no"}, named={"agent-rag": "mine/rag:1"}),
         looked(MINE), "agent-rag does not run from it"),
        (contained(kept={"redis": "embedded"}), looked(("ALFRED_IMAGE_REDIS", "mine:1")),
         "redis does not run from it"),
        (contained(), looked(("ALFRED_IMAGE_RADIS", "mine:1")), "no service is called that"),
    ],
)  # fmt: skip
def test_what_is_named_in_vain(plan: Plan, seen: Configuration, cause: str) -> None:
    (found,) = judged(image_unused.CHECK, seen, given(plan=plan))
    assert cause in found.cause


@pytest.mark.parametrize(
    ("plan", "seen"),
    [
        (contained(named={"agent-rag": "mine/rag:1"}), looked(MINE)),
        (contained(), looked(("ALFRED_IMAGE_REGISTRY", "m:5000"), ("ALFRED_IMAGE_REDIS", ""))),
        (worlds.plan(), looked(MINE)),  # local processes have no images
    ],
)
def test_what_is_no_matter(plan: Plan, seen: Configuration) -> None:
    assert judged(image_unused.CHECK, seen, given(plan=plan)) == []
