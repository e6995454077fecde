"""The compose file: what stands in it, from a plan; and that its commands do what they say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from alfred_dev.catalog.project import load
from alfred_dev.embedded.spec import EmbeddedSpec
from alfred_dev.errors import ConfigError, MachineError
from alfred_dev.plan import Facts, Found, Plan, Source, SourceKind, only
from alfred_dev.planner import closure, make
from alfred_dev.render import compose, ours
from alfred_dev.settings import SETTINGS, Layer, resolve
from tests.worlds import ENGINES, SECRETS, catalog, catalog_text, plan, settings

Document = dict[str, Any]
KNOWN = {setting.key: setting.secret for setting in SETTINGS}


def project_plan(text: str, *, slot: int = 0) -> Plan:
    """The plan of a project whose alfred.yaml is ``text``."""
    found = load(catalog_text(), text, source="services.yaml", known_settings=KNOWN)
    return make(found.catalog, settings(), Facts(engines=ENGINES), slot=slot)


def document(wanted: Plan | None = None, *, platform: str | None = None) -> Document:
    """The compose file as data."""
    found = {a.path: a.text for a in compose.render(wanted or plan(), platform=platform)}
    loaded: Document = yaml.safe_load(found["compose.yaml"])
    return loaded


def service(name: str, text: str, **options: str) -> Document:
    """One service of a project's compose file."""
    found: Document = document(project_plan(text), **options)["services"][name]
    return found


def test_the_port_map_is_published_on_loopback_alone() -> None:
    published = [p for s in document()["services"].values() for p in s["ports"]]
    rows = [p for s in catalog().services.values() for p in s.ports]
    assert sorted(published) == sorted(f"127.0.0.1:{p.host}:{p.container}" for p in rows)
    assert len(published) == 19


def test_a_slot_moves_the_host_ports_and_the_network_and_nothing_inside() -> None:
    moved, usual = document(project_plan("", slot=2)), document(project_plan(""))
    assert moved["networks"]["alfred-network"]["name"] == "alfred-network-2"
    assert usual["networks"]["alfred-network"]["name"] == "alfred-network"
    assert moved["services"]["agent-core"]["ports"] == ["127.0.0.1:28011:8011"]
    for name, entry in moved["services"].items():
        assert entry.get("environment") == usual["services"][name].get("environment")


def test_every_container_is_confined() -> None:
    for name, entry in document()["services"].items():
        assert entry["security_opt"] == ["no-new-privileges:true"], name
        assert entry["cap_drop"] == ["ALL"], name
        assert entry["restart"] == "on-failure:5", name
        assert entry["mem_limit"], name
        assert entry["logging"]["options"] == {"max-size": "5m", "max-file": "3"}, name
        assert entry["labels"]["dev.alfred.service"] == name
        assert not {"container_name", "privileged", "network_mode", "pid"} & entry.keys(), name


def test_our_postgres_is_told_to_end_at_once() -> None:
    """SIGTERM would wait for its clients, and ten seconds later it would be killed."""
    ours_here = Source(kind=SourceKind.EMBEDDED, detail="")
    signals = {s.id: ours.container(s, ours_here).stop_signal for s in plan().platform}
    assert {name: word for name, word in signals.items() if word} == {"db-postgres": "SIGINT"}


def test_every_service_has_a_rare_health_check() -> None:
    for name, entry in document()["services"].items():
        assert entry["healthcheck"]["test"][0] == "CMD", name
        assert entry["healthcheck"]["interval"] == "30s", name


def test_dependencies_order_the_start_and_gate_nothing() -> None:
    for name, entry in document()["services"].items():
        conditions = {d["condition"] for d in entry.get("depends_on", {}).values()}
        assert conditions <= {"service_started"}
        assert set(entry.get("depends_on", {})) == set(catalog().services[name].depends_on)


def test_other_names_are_aliases_on_the_network() -> None:
    services = document()["services"]
    assert services["db-postgres"]["networks"]["alfred-network"]["aliases"] == [
        "postgres",
        "supabase-db",
    ]


def test_what_is_durable_keeps_its_data_in_a_volume_of_its_own() -> None:
    found = document()
    durable = {s.id for s in catalog().services.values() if s.durable}
    assert set(found["volumes"]) == durable
    for name in durable:
        sources = [v["source"] for v in found["services"][name]["volumes"] if v["type"] == "volume"]
        assert sources == [name]


def test_what_is_mounted_is_rendered_and_read_only() -> None:
    artifacts = {a.path for a in compose.render(plan())}
    mounted = set()
    for entry in document()["services"].values():
        for volume in entry.get("volumes", []):
            if volume["type"] == "bind":
                assert volume["read_only"]
                mounted.add(volume["source"].removeprefix("./"))
    files = artifacts - {"compose.yaml"}
    assert all(any(f"{file}/".startswith(f"{m}/") for m in mounted) for file in files)
    assert all(any(f"{file}/".startswith(f"{m}/") for file in files) for m in mounted)


def test_no_secret_is_in_any_file() -> None:
    for artifact in compose.render(plan()):
        for secret in SECRETS.values():
            assert secret not in artifact.text


def test_no_secret_is_named_on_a_command_line() -> None:
    for name, entry in document()["services"].items():
        words = [*entry.get("command", []), *entry["healthcheck"]["test"]]
        expressions = re.findall(r"(?<!\$)\$\{([A-Z_]+)", " ".join(words))
        assert {key for key in expressions if KNOWN[key]} == set(), name


def test_a_machine_and_its_env_file_change_nothing() -> None:
    facts = Facts(
        engines=ENGINES,
        binaries={"monitoring-metrics": Found(path="/usr/bin/prometheus")},
        code="other",
    )
    here = compose.render(plan(facts, ALFRED_LOG_LEVEL="DEBUG", ALFRED_PROJECT_ID="mine"))
    assert here == compose.render(plan()) == compose.default(catalog())


def test_both_dumpers_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = compose.render(plan())
    monkeypatch.setattr(compose._dumped, "__defaults__", (yaml.SafeDumper,))
    assert compose.render(plan()) == fast


def test_a_part_of_the_stack_renders_alone() -> None:
    whole = plan()
    part = only(whole, closure(whole, ["agent-rag"]))
    artifacts = compose.render(part)
    assert [a.path for a in artifacts] == ["compose.yaml"]
    assert set(yaml.safe_load(artifacts[0].text)["services"]) == {
        "agent-rag", "vector-db", "redis", "model-router", "model-registry", "db-postgres",
    }  # fmt: skip


# Where a service comes from.


def test_without_a_checkout_the_platform_is_played_by_our_own_image() -> None:
    entry = service("agent-core", "")
    assert re.fullmatch(
        r"\$\{ALFRED_IMAGE_AGENT_CORE:-alfred-dev/embedded:[\w.]+\}", entry["image"]
    )
    assert entry["pull_policy"] == "never"
    assert entry["command"] == ["python3", "-m", "alfred_dev.embedded", "agent-core"]


def test_our_image_is_told_what_to_listen_on_and_whom_to_ask() -> None:
    entry = service("ui-chat", "")
    spec = EmbeddedSpec.from_json(entry["environment"]["ALFRED_EMBEDDED"])
    assert spec.bind == "0.0.0.0"
    assert [p.listen for p in spec.ports] == [8501]
    assert {ask.variable for ask in spec.asks} <= entry["environment"].keys()


def test_a_checkout_is_built_and_told_the_same() -> None:
    built = document(project_plan(""), platform="/src/a $platform")["services"]["agent-core"]
    assert built["build"] == {"context": "/src/a $$platform/services/alfred-core"}
    assert not {"image", "command", "healthcheck"} & built.keys()
    played = service("agent-core", "")["environment"]
    assert built["environment"] == {k: v for k, v in played.items() if k != "ALFRED_EMBEDDED"}


def test_an_engine_of_ours_keeps_its_data_apart_from_the_images() -> None:
    found = document(project_plan("services: {redis: {from: embedded}}"))
    assert found["services"]["redis"]["command"][-1] == "redis"
    assert "redis-embedded" in found["volumes"]
    assert "redis" not in found["volumes"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("services: {agent-core: {from: binary}}", "a program of this machine"),
        ("services: {agent-core: {from: embedded}}", "no embedded engine"),
    ],
)
def test_a_pin_that_no_container_can_follow_is_refused(text: str, cause: str) -> None:
    found = load(catalog_text(), text, source="services.yaml", known_settings=KNOWN)
    unpinned = make(catalog(), settings(), Facts())
    # Not planned with the pin: the process runtime has an opinion of its own on it.
    pinned = [replace(s, definition=found.catalog.services[s.id]) for s in unpinned.services]
    with pytest.raises(MachineError) as caught:
        compose.render(replace(unpinned, services=tuple(pinned)))
    assert cause in caught.value.cause
    assert "services.agent-core.from" in caught.value.fix[0]


def test_a_published_image_of_the_projects_own_is_used() -> None:
    entry = service("agent-core", "services: {agent-core: {image: 'me/core:1.2.3'}}")
    assert entry["image"] == "${ALFRED_IMAGE_AGENT_CORE:-me/core:1.2.3}"
    assert "pull_policy" not in entry


# What the project says.


def test_a_service_that_the_developer_runs_is_reached_on_this_machine() -> None:
    found = document(project_plan("services: {model-router: {host_port: 18080}}"))["services"]
    assert "model-router" not in found
    agent = found["agent-core"]
    assert agent["environment"]["ALFRED_MODEL_ROUTER_URL"] == "http://host.docker.internal:18080"
    assert agent["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert "model-router" not in agent["depends_on"]
    assert "extra_hosts" not in found["model-registry"]
    assert "extra_hosts" in found["monitoring-metrics"]


def test_text_of_the_project_is_nothing_to_compose() -> None:
    text = "services: {auth-ui: {title: 'a $HOME ${X}', env: {GREETING: 'cost: $5 ${HOME}'}}}"
    entry = service("auth-ui", text)
    assert entry["environment"]["GREETING"] == "cost: $$5 $${HOME}"
    assert "a $$HOME $${X}" in entry["environment"]["ALFRED_EMBEDDED"]


def test_a_setting_of_the_project_is_the_default_of_its_expression() -> None:
    layers = [
        Layer(".env", {"ALFRED_LOG_LEVEL": ("ERROR", ".env:1")}),
        Layer("alfred.yaml", {"ALFRED_LOG_LEVEL": ("DEBUG", None), "ALFRED_DEBUG": ("$x}", None)}),
    ]
    wanted = make(catalog(), resolve(layers), Facts())
    found = document(wanted)["services"]["auth-ui"]["environment"]
    assert found["ALFRED_LOG_LEVEL"] == "${ALFRED_LOG_LEVEL:-DEBUG}"
    assert found["ALFRED_DEBUG"] == "$$x}"


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ("{command: ['--password={REDIS_PASSWORD}']}", "secret REDIS_PASSWORD on a command line"),
        ("{environment: {A: '{NO_SUCH}'}}", "{NO_SUCH}, which is no setting"),
    ],
)
def test_a_template_that_cannot_be_filled_is_a_mistake_of_the_project(
    container: str, message: str
) -> None:
    wanted = project_plan(f"services: {{redis: {{container: {container}}}}}")
    with pytest.raises(ConfigError, match=re.escape(message)):
        compose.render(wanted)


def test_no_project_asks_for_more_than_a_step_down_needs() -> None:
    with pytest.raises(ConfigError, match="SYS_ADMIN"):
        project_plan("services: {redis: {container: {cap_add: [SYS_ADMIN]}}}")


def test_what_our_image_is_told_is_json_on_one_line() -> None:
    for entry in document()["services"].values():
        told = entry.get("environment", {}).get("ALFRED_EMBEDDED")
        assert told is None or (json.loads(told) and "\n" not in told)
