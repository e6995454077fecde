"""Open tunnels in the plan: as helpers of the supervisor, and as URLs that others are told."""

from __future__ import annotations

import configparser

from alfred_dev.plan import Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render.process import Layout, desired
from alfred_dev.tunnel import joined
from alfred_dev.tunnel.model import Guard, Record, TunnelSpec
from tests.unit.tunnel.made import record, spec
from tests.worlds import ENGINES, catalog, settings

LAYOUT = Layout(data="/p/.alfred/data", render="/p/.alfred/render", python="/py")


def owned(**changes: object) -> Record:
    made = spec(port=18790, detached=True, search="/bin", guard=Guard(verify="slack"), **changes)
    return record(detached=True, spec=made.to_json())


def planned(records: list[Record], slot: int = 1) -> Plan:
    known = settings(SLACK_SIGNING_SECRET="slack-secret")
    facts = Facts(engines=ENGINES, code="c")
    merged, facts = joined.join(catalog(), facts, records, slot=slot, python="/py")
    return joined.tell(make(merged, known, facts, slot=slot), records)


def test_a_tunnel_of_the_supervisor_is_a_helper_of_the_plan() -> None:
    plan = planned([owned(ssh_agent="/run/agent")])
    helper = plan["tunnel-agent-core"]
    assert (helper.kind, helper.endpoints[0].port, helper.endpoints[0].path) == (
        "helper", 18790, "/.alfred-tunnel/abc",
    )  # fmt: skip
    launch = desired(plan, LAYOUT).specs["tunnel-agent-core"]
    assert launch.argv == ("/py", "-m", "alfred_dev.tunnel")
    environment = launch.environment
    assert TunnelSpec.from_encoded(environment["ALFRED_TUNNEL"]).name == "agent-core"
    assert (environment["PATH"], environment["SSH_AUTH_SOCK"]) == ("/bin", "/run/agent")
    assert environment["SLACK_SIGNING_SECRET"] == "slack-secret"


def test_one_that_ends_in_order_is_not_started_again() -> None:
    files = {a.path: a.text for a in desired(planned([owned()]), LAYOUT).artifacts}
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(files["supervisord.conf"])
    tunnel, other = config["program:tunnel-agent-core"], config["program:agent-core"]
    assert (tunnel["autorestart"], tunnel["startsecs"]) == ("unexpected", "0")
    assert other["autorestart"] == "true"


def test_a_tunnel_of_a_terminal_is_no_helper() -> None:
    assert "tunnel-agent-core" not in planned([record()]).ids


def test_urls_are_told_to_commands_and_each_service_its_own() -> None:
    records = [
        record(url="https://old.test", opened_at=1.0),
        record(name="agent-rag", service="agent-rag", url="https://new.test", opened_at=2.0),
    ]
    plan = planned(records)
    here = plan.endpoints_environment
    assert here["ALFRED_PUBLIC_URL"] == "https://new.test"
    assert here["ALFRED_PUBLIC_URL_AGENT_CORE"] == "https://old.test"
    assert plan["agent-core"].environment["ALFRED_PUBLIC_URL"] == "https://old.test"
    assert plan["agent-core"].definition.env["ALFRED_PUBLIC_URL"] == "https://old.test"
    assert "ALFRED_PUBLIC_URL_AGENT_RAG" not in plan["agent-core"].environment
    assert "ALFRED_PUBLIC_URL" not in plan["ui-chat"].environment


def test_without_tunnels_nothing_changes() -> None:
    assert "ALFRED_PUBLIC_URL" not in planned([]).endpoints_environment
