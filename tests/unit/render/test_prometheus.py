"""Which services Prometheus is told to ask."""

from __future__ import annotations

from dataclasses import replace

from alfred_dev.render import prometheus
from tests.worlds import plan


def test_the_front_of_a_tunnel_has_no_figures() -> None:
    """It stands in the tier of what it shows, and would make Prometheus' file another one."""
    service = plan()["agent-core"]
    assert prometheus.exposed(service, service.source)
    front = replace(service, definition=replace(service.definition, helper=True))
    assert prometheus.exposed(front, service.source) == ()
