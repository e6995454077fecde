"""Helpers: planned like services, counted apart, left out where they cannot run."""

from __future__ import annotations

import pytest

from alfred_dev.catalog.parse import parse
from alfred_dev.errors import ConfigError
from alfred_dev.plan import Facts, Plan, Request
from alfred_dev.planner import make, narrow
from alfred_dev.report import json as report_json
from tests.worlds import settings

TEXT = """
ranges: {}
services:
  shop:
    title: Shop
    tier: public
    profile: ui
    ports: [{host: 3000, container: 80, protocol: HTTP, purpose: the shop, range: null, probe: http}]
helpers:
  door:
    title: Door
    tier: external
    engine: first
    depends_on: {bell: started}
    ports:
      - {host: 443, instead: 8443, container: 443, protocol: HTTPS, purpose: a door, range: null, probe: tcp}
  bell:
    title: Bell
    tier: external
    engine: first
    ports: [{host: 7000, container: 7000, protocol: HTTP, purpose: rings, range: null, probe: http}]
"""  # noqa: E501
DOOR, BELL = {"door": "Oak 1.0"}, {"bell": "Brass 2.0"}


def planned(facts: Facts, slot: int = 0) -> Plan:
    return make(parse(TEXT, source="test"), settings(), facts, slot=slot)


def test_a_helper_is_planned_like_a_service_and_says_what_it_is() -> None:
    plan = planned(Facts(engines=DOOR | BELL))
    assert plan.ids == ("shop", "bell", "door")
    assert [plan[name].kind for name in plan.ids] == ["service", "helper", "helper"]
    assert plan["door"].endpoints[0].port == 443
    assert plan["door"].source.kind == "embedded"
    assert [s.id for s in plan.platform] == ["shop"]


def test_a_helper_that_cannot_run_here_is_left_out_and_nothing_waits_for_it() -> None:
    plan = planned(Facts(engines=DOOR, unusable={"bell": "no brass"}))
    assert plan.ids == ("shop", "door")
    assert plan.absent == {"bell": "no brass"}
    assert plan["door"].depends_on == {}


def test_the_port_map_has_no_helpers() -> None:
    document = report_json.ports(planned(Facts(engines=DOOR | BELL)))
    assert [row["service"] for row in document["ports"]] == ["shop"]


@pytest.mark.parametrize(("slot", "port"), [(0, 8443), (1, 18443)])
def test_a_port_that_is_closed_to_a_helper_moves_and_says_so(slot: int, port: int) -> None:
    plan = planned(Facts(engines=DOOR | BELL, closed={443: "it is taken"}), slot)
    assert plan["door"].endpoints[0].port == port
    assert plan["door"].moved == (f"door: port {port} instead of 443 (it is taken)",)
    assert plan["bell"].moved == ()


def test_in_another_slot_a_port_that_may_move_does() -> None:
    plan = planned(Facts(engines=DOOR | BELL), slot=2)
    assert plan["door"].endpoints[0].port == 28443


def test_groups_come_with_helpers_and_named_services_without() -> None:
    plan = planned(Facts(engines=DOOR | BELL))
    profile = plan["shop"].definition.profile
    assert profile is not None
    assert narrow(plan, Request()).ids == plan.ids
    assert narrow(plan, Request(profiles=(profile,))).ids == plan.ids
    assert narrow(plan, Request(names=("shop",))).ids == ("shop",)
    assert narrow(plan, Request(names=("door",))).ids == ("bell", "door")
    assert narrow(plan, Request(names=("bell",), strict=True)).ids == ("bell",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("host: 7000", "host: 8443", "port 8443 is claimed by door"),
        ("host: 3000,", "host: 3000, instead: 3001,", "only a helper's port may move"),
        ("  shop:", "  bell:", "the name bell is claimed"),
        ("  shop:", "  api:", "the host api is alfred-dev's own"),
        ("title: Door", "title: Door\n    profile: ui", "unknown key profile"),
    ],
)
def test_helpers_are_checked_with_the_services(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TEXT.replace(old, new, 1), source="test")
    assert message in caught.value.cause
