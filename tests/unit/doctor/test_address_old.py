"""A client that resolved a name once, and goes on asking the address that it had then."""

from __future__ import annotations

import pytest

from alfred_dev.doctor.checks import address_old
from alfred_dev.doctor.look.engine import Container, Containers
from alfred_dev.probe.base import Reason, ill
from tests.unit.doctor.scenes import judged, seen

OURS = (
    Container(service="agent-core", name="p-agent-core-1", state="running", address="172.29.0.3"),
    Container(service="model-router", name="p-model-router-1", state="running",
              address="172.29.0.9"),
    Container(service="redis", name="p-redis-1", state="running", address="172.29.0.4"),
)  # fmt: skip


def looked(line: str) -> Containers:
    """Return what is seen where agent-core said ``line``, and is ill."""
    services = seen(answers={"agent-core": ill(Reason.STATUS, "answers 503: not ready")},
                    said={"agent-core": [line]})  # fmt: skip
    return Containers(ours=OURS, network="n", subnet="172.29.0.0/24", services=services)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("cannot connect to model-router (172.29.0.4:8080): timed out",
         "it looks for model-router at 172.29.0.4, which is at 172.29.0.9 by now"),
        ("dial tcp 172.29.0.77:8080: connect: no route to host", "for somebody at 172.29.0.77"),
    ],
)  # fmt: skip
def test_an_address_that_another_has_by_now_and_one_that_nobody_has(line: str, cause: str) -> None:
    (found,) = judged(address_old.CHECK, looked(line))
    assert cause in found.cause
    assert found.subject == "agent-core"
    assert found.fix.commands == ("alfred-dev restart agent-core",)


@pytest.mark.parametrize(
    "line",
    [
        "cannot connect to model-router (172.29.0.9:8080): connection refused",  # it is there
        "172.29.0.77 GET /health 200",  # who asked is somebody else's business
        "dial tcp 10.1.2.3:443: i/o timeout",  # not of our network
        "dial tcp 172.29.0.1:5432: connection refused",  # the engine's own: this machine
        "version 1.172.29.0.77 timed out",
    ],
)
def test_what_is_no_old_address(line: str) -> None:
    assert judged(address_old.CHECK, looked(line)) == []
