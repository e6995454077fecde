"""One real Postgres and one real Valkey for all tests of the room; nobody changes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import servers
from tests.unit.probe.asking import PASSWORD


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Server]:
    with servers.postgres(password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[servers.Server]:
    with servers.valkey(password=PASSWORD) as server:
        yield server
