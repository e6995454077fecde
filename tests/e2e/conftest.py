"""Checkouts on ports of their own, ended with their test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.engine import Contained, Engine


@pytest.fixture
def checkout(tmp_path: Path, own_ports: None) -> Iterator[Checkout]:
    """An empty checkout."""
    made = Checkout.make(tmp_path / "project")
    yield made
    made.run("down")
    assert made.pids() == []


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The Docker engine of this machine, with our image in it."""
    found = Engine.of_this_machine()
    if why := found.why_not():
        pytest.skip(why)
    made = Contained.on(found, tmp_path_factory.mktemp("image") / "project")
    try:
        made.first("up", "auth-ui")
    finally:
        made.end()
    return found


@pytest.fixture
def contained(engine: Engine, tmp_path: Path) -> Iterator[Contained]:
    """An empty checkout that runs in containers."""
    made = Contained.on(engine, tmp_path / "project")
    yield made
    made.end()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, own_ports: None) -> Iterator[Checkout]:
    """A checkout with all 17 services up. Tests that use it leave it as it is."""
    made = Checkout.make(tmp_path_factory.mktemp("whole") / "project")
    made.ok("up")
    yield made
    made.ok("down")
    assert made.pids() == []
