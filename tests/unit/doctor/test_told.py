"""What a service should be told of another, in a container of a slot that shifts ports."""

from __future__ import annotations

from alfred_dev.doctor.look.told import _Right
from alfred_dev.plan import EngineFacts, Facts
from alfred_dev.planner import make
from tests.worlds import catalog, settings


def test_a_container_is_asked_for_on_its_own_port_in_every_slot() -> None:
    plan = make(catalog(), settings(), Facts(engine=EngineFacts()), slot=1)
    right = _Right(plan)
    _, _, endpoint = right.of("ALFRED_CORE_URL")
    assert (endpoint.port, endpoint.container_port) == (18011, 8011)
    assert right.text("ALFRED_CORE_URL") == "http://agent-core:8011"
    inside = right.target(endpoint)
    assert (inside.host, inside.port) == ("agent-core", 8011)
    asked = right.asked_here(inside, endpoint)
    assert asked is not None and asked.port == 18011
