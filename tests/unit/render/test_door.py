"""The gateway and the issuer as containers, rendered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from alfred_dev import hostnames
from alfred_dev.plan import EngineFacts, Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render import docker
from alfred_dev.runtime.compose import WHOLE
from tests.golden.trees import ACCESS, CONTAINED, HELPERS, SITE
from tests.worlds import catalog, settings


def planned(engine: EngineFacts = CONTAINED, **more: Any) -> Plan:
    facts = Facts(engines=HELPERS, access=ACCESS, engine=engine)
    return make(catalog(), settings(), facts, **more)


def services(plan: Plan) -> dict[str, Any]:
    whole = next(a.text for a in docker.desired(plan, SITE).artifacts if a.path == WHOLE)
    found: dict[str, Any] = json.loads(whole)["services"]
    return found


def test_every_public_name_is_an_alias_in_every_network() -> None:
    web = set(hostnames.names(catalog(), "dev.alfred-platform.example.com", web_only=True))
    flat = services(planned())["gateway"]["networks"]
    assert {name: set(n["aliases"]) for name, n in flat.items()} == {"alfred-network": web}
    tiers = services(planned(isolation="tiers"))["gateway"]["networks"]
    assert len(tiers) == 3


@pytest.mark.parametrize(("slot", "closed", "port"), [(0, {}, 443), (0, {443: "taken"}, 8443),
                                                     (2, {}, 28443)])  # fmt: skip
def test_a_url_has_the_same_port_inside(slot: int, closed: dict[int, str], port: int) -> None:
    facts = Facts(engines=HELPERS, access=ACCESS, engine=CONTAINED, closed=closed)
    plan = make(catalog(), settings(), facts, slot=slot)
    found = docker.desired(plan, SITE)
    assert f"127.0.0.1:{port}:{port}" in services(plan)["gateway"]["ports"]
    assert f"[::1]:{port}:{port}" in services(plan)["gateway"]["ports"]
    text = next(a.text for a in found.artifacts if a.path == "gateway/listeners.json")
    address = json.loads(text)["resources"][0]["address"]["socket_address"]
    assert address == {"address": "0.0.0.0", "port_value": port}  # noqa: S104 - in a container


def test_they_are_this_user_and_their_files_are_for_this_user_alone() -> None:
    entries = services(planned())
    assert {entries[name]["user"] for name in ("gateway", "identity")} == {"1000:1000"}
    assert {entries[name]["read_only"] for name in ("gateway", "identity")} == {True}
    found = docker.desired(planned(), SITE).artifacts
    private = [a for a in found if a.path.startswith("gateway/")]
    assert private
    assert {a.mode for a in private} == {0o600}
    written = [v for v in entries["gateway"]["volumes"] if not v["read_only"]]
    assert [v["source"] for v in written] == ["../run/gateway"]


def test_what_the_gateway_reads_once_makes_it_anew_and_nothing_else_does() -> None:
    first = docker.desired(planned(), SITE).specs["gateway"]
    plan = planned()
    changed = replace(plan, access=replace(ACCESS, jwks="{}", clients=()))
    assert docker.desired(changed, SITE).specs["gateway"] == first


def test_without_shared_files_they_stay_processes_of_this_machine() -> None:
    plan = planned(replace(CONTAINED, shares=False))
    assert (plan["gateway"].is_process, plan["identity"].is_process) == (True, True)
    assert "gateway" not in services(plan)
    specs = docker.desired(plan, SITE).specs
    assert specs["gateway"].argv[1:] == ("-m", "alfred_dev.embedded", "gateway")


def test_a_gateway_without_certificates_is_left_out() -> None:
    facts = Facts(engines=HELPERS, engine=CONTAINED, unusable={"gateway": "no certificate"})
    plan = make(catalog(), settings(), facts)
    assert plan.absent["gateway"] == "no certificate"
    assert "identity" in plan.ids


def test_the_published_image_is_given_the_same_command_line() -> None:
    plan = planned(replace(CONTAINED, unavailable={}))
    entry = services(plan)["gateway"]
    assert entry["image"] == "envoyproxy/envoy:v1.40.0"
    assert entry["command"][:3] == ["envoy", "--config-path", "render/gateway/bootstrap.json"]


def test_prometheus_finds_the_gateway_and_the_dashboard_behind_it() -> None:
    engine = replace(CONTAINED, unavailable={})
    facts = Facts(engines={**HELPERS, "dashboard": "ours"}, access=ACCESS, engine=engine)
    found = docker.desired(make(catalog(), settings(), facts), SITE).artifacts
    (text,) = (a.text for a in found if a.path == "prometheus/prometheus.yml")
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    for name, path in (("gateway", "/stats/prometheus"), ("dashboard", "/dashboard/metrics")):
        assert jobs[name]["static_configs"][0]["targets"] == ["gateway:9901"]
        assert jobs[name]["metrics_path"] == path
    assert jobs["dashboard"]["honor_labels"]
    # The machine's own figures bear no service's name.
    assert "labels" not in jobs["dashboard"]["static_configs"][0]
    assert jobs["vector-db"]["static_configs"][0]["targets"] == ["vector-db:6333"]
    tables = next(a.text for a in found if a.path == "gateway/listeners.json")
    assert '"/dashboard/metrics"' in tables
