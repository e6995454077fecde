"""One gateway for all tests of a file that do not change it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alfred_dev.access import Client
from tests.gateway import doors
from tests.gateway.doors import Door

KEYS = (
    Client(name="ci", role="user", key="adk_of-ci"),
    Client(name="boss", role="admin", key="adk_of-boss"),
)
ORIGIN = "https://app.partner.example"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A gateway without limits worth the name, two API keys, one partner, a second version."""
    folder = tmp_path_factory.mktemp("door")
    versions = {"agent-core": {"2": "agent-rag"}}
    with doors.opened(folder, clients=KEYS, origins=(ORIGIN,), versions=versions) as opened:
        yield opened
