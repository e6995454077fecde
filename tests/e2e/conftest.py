"""Checkouts on ports of their own, ended with their test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path, own_ports: None) -> Iterator[Checkout]:
    """An empty checkout."""
    made = Checkout.make(tmp_path / "project")
    yield made
    made.run("down")
    assert made.pids() == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, own_ports: None) -> Iterator[Checkout]:
    """A checkout with all 17 services up. Tests that use it leave it as it is."""
    made = Checkout.make(tmp_path_factory.mktemp("whole") / "project")
    made.ok("up")
    yield made
    made.ok("down")
    assert made.pids() == []
