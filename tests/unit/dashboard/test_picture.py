"""What the page draws: the same values as ``status``, and edges between what there is."""

from __future__ import annotations

import json

from alfred_dev.dashboard import picture
from alfred_dev.report import json as report_json
from tests.unit.dashboard import views
from tests.worlds import SECRETS


def test_it_says_what_status_says() -> None:
    view = views.view()
    shown = {row["id"]: row for row in picture.document(view)["services"]}
    for row in report_json.status(view.plan, view.statuses)["services"]:
        assert {key: shown[row["id"]][key] for key in row} == row
    assert shown["redis"]["health"] == "down"
    assert shown["agent-core"]["traffic"]["p95"] == 2.0
    assert shown["db-postgres"]["memory"] == 50_000_000
    assert not any(secret in json.dumps(list(shown.values())) for secret in SECRETS.values())


def test_edges_are_the_catalogs_with_the_traffic_that_was_seen() -> None:
    edges = {(e["from"], e["to"]): e["traffic"] for e in picture.document(views.view())["edges"]}
    assert edges["agent-core", "redis"]["rate"] == 2.0
    assert edges["agent-core", "db-postgres"] is None
    assert {("gateway", "ui-chat"), ("gateway", "agent-legal")} <= edges.keys()
    assert not any("dashboard" in pair or "gone" in pair for pair in edges)


def test_names_lead_where_the_gateway_answers() -> None:
    names = {row["name"]: row for row in picture.fixed(views.PLAN)["names"]}
    found = names["dashboard." + views.PLAN.domain]
    assert (found["leads_to"], found["url"]) == ("dashboard", f"https://{found['name']}")
    assert names["db-postgres." + views.PLAN.domain]["url"] is None
