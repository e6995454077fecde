"""alfred.yaml: merged with the catalog, every mistake at once and in its place."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog import json_schema
from alfred_dev.catalog.model import Profile
from alfred_dev.catalog.project import Loaded, load
from alfred_dev.errors import ConfigError
from alfred_dev.report.template import ALFRED_YAML
from alfred_dev.settings import SETTINGS
from tests.cases import bad_input
from tests.worlds import catalog_text

KNOWN = {setting.key: setting.secret for setting in SETTINGS}


def loaded(text: str | None) -> Loaded:
    return load(catalog_text(), text, source="services.yaml", known_settings=KNOWN)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def test_without_a_file_the_catalog_is_as_it_is() -> None:
    found = loaded(None)
    assert len(found.catalog.services) == 17
    assert not found.project.present
    assert found.warnings == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "services: {}\n", "services: {redis: {}}\n"])
def test_an_empty_file_changes_nothing(text: str) -> None:
    assert loaded(text).catalog.services.keys() == loaded(None).catalog.services.keys()


def test_ten_mistakes_give_ten_lines() -> None:
    text = """\
platfrm: x
domain: localhost
profiles: [cor]
settings: {ALFRED_LOG_LEVL: x, REDIS_PASSWORD: y}
services:
  agent-core: {host_port: 1025:25, from: imge}
  agent-cor: {depends_on: {redsi: healthy}}
  redis: {ports: [{host: 0}]}
  redis: {}
  vector-db: [a]
"""
    assert [line.split(" ")[0] for line in problems(text)] == [
        "alfred.yaml:1:1:", "alfred.yaml:2:9:", "alfred.yaml:3:12:", "alfred.yaml:4:12:",
        "alfred.yaml:4:32:", "alfred.yaml:6:27:", "alfred.yaml:6:42:", "alfred.yaml:7:3:",
        "alfred.yaml:7:28:", "alfred.yaml:8:26:", "alfred.yaml:9:3:", "alfred.yaml:10:14:",
    ]  # fmt: skip
    assert "found '1025:25'" in problems(text)[5]
    assert "did you mean agent-core?" in problems(text)[7]


def test_contradictions_are_named_beside_other_mistakes() -> None:
    text = """\
platfrm: x
services:
  mail-server: {depends_on: {redsi: healthy}}
  agent-rag: {ports: [{host: 8011}]}
"""
    assert [line.partition(": ")[2] for line in problems(text)] == [
        "unknown key platfrm (did you mean platform?)",
        "mail-server depends on redsi, which does not exist (did you mean redis?)",
        "port 8011 is claimed by agent-core and agent-rag",
    ]


@pytest.mark.parametrize("number", ["0", "70000", "-1", "1e3", "0x10", "null", "[1]"])
def test_what_is_no_port(number: str) -> None:
    [problem] = problems(f"services: {{redis: {{host_port: {number}}}}}")
    assert problem.startswith("alfred.yaml:1:31: services.redis.host_port: expected")


def test_a_tab_and_broken_yaml_are_placed() -> None:
    assert problems("services:\n\tredis: {}\n")[0].startswith("alfred.yaml:2:1: not valid YAML")
    assert problems("services: {")[0].startswith("alfred.yaml:")
    assert problems("- a\n- b\n")[0].startswith("alfred.yaml:1:1: the file: expected a mapping")


def test_anchors_and_merges_work() -> None:
    text = """\
services:
  agent-social: &agent {env: {A: "1"}}
  agent-legal: {<<: *agent, host_port: 9999}
"""
    services = loaded(text).catalog.services
    assert services["agent-legal"].env == {"A": "1"}
    assert services["agent-legal"].host_port == 9999


def test_a_billion_laughs_are_refused() -> None:
    bombs = [f"  x{i}: &x{i} {{env: *e{i}}}" for i in range(2)]
    text = "services:\n" + "\n".join(bombs) + "\n"
    assert problems(text)
    rows = "services:\n  redis:\n    aliases: &a [" + ",".join(["x"] * 20) + "]\n"
    for i in range(4):
        rows += f"  s{i}: {{aliases: [*a, *a]}}\n"
    assert problems(rows)


def test_rows_of_the_port_map_merge_by_place() -> None:
    found = loaded("services: {vector-db: {ports: [{}, {host: 7334}]}}").catalog
    first, second = found.services["vector-db"].ports
    assert (first.host, second.host, second.container) == (6333, 7334, 6334)
    assert second.where.file == "alfred.yaml"
    assert first.where.file == "alfred.yaml"


def test_a_new_service_needs_only_a_port() -> None:
    service = loaded("services: {db-auth: {ports: [{host: 9999}]}}").catalog.services["db-auth"]
    assert (service.title, service.ports[0].container) == ("db-auth", 9999)


def test_a_port_outside_its_range_is_a_warning_with_the_reason() -> None:
    [warning] = loaded("services: {x: {ports: [{host: 9999, range: api}]}}").warnings
    assert str(warning) == (
        "alfred.yaml:1:24: x: port 9999 lies outside api (8000-8999); "
        "move it, or record why in outside_range"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: {redis: {ports: [{host: 5432}]}}", "port 5432 is claimed by db-postgres"),
        ("services: {x: {ports: [{host: 7000}], depends_on: {redsi: healthy}}}", "mean redis?"),
        ("services: {db-postgres: {depends_on: {agent-core: healthy}}}", "wait for each other"),
        ("services: {x: {ports: [{host: 6000}]}}", "browsers refuse to open port 6000"),
        ("services: {x: {ports: [{host: 7000}], aliases: [redis]}}", "the name redis is claimed"),
        ("services: {redis: {host_port: 1, from: embedded}}", "it comes from nowhere else"),
        ("services: {x: {ports: [{protocol: HTTP}]}}", "a port needs host"),
        ("services: {agent-core: {host_port: 8501}}", "host_port 8501 is the port of agent-rag"),
        (
            "services: {agent-core: {host_port: 99}, agent-rag: {host_port: 99}}",
            "host_port 99 is the port of agent-core",
        ),
        ("services: {x: {ports: [{host: 7000}], settings: [NOSUCH]}}", "no setting NOSUCH"),
        (
            'services: {x: {ports: [{host: 7000}], variables: [{names: [X], value: "{hst}"}]}}',
            "nobody fills in {hst} (did you mean host?)",
        ),
        ('services: {redis: {client: {A: "{foo}"}}}', "nobody fills in {foo}"),
        ("services: {redis: {env: {REDIS_PASSWORD: x}}}", "not for a project to set"),
        ("services: {redis: {env: {LD_PRELOAD: x}}}", "LD_PRELOAD is not for a project to set"),
        ('services: {redis: {variables: [{names: [PATH], value: "x"}]}}', "PATH is not for a"),
        ("[" * 100_000, "nested deeper than 100 levels"),
        ('services: {"k\\e[31m": {}}', "cannot be a name here"),
    ],
)
def test_contradictions(text: str, says: str) -> None:
    assert any(says in problem for problem in problems(text))


def test_health_and_profiles_are_overridden() -> None:
    found = loaded("profiles: [core]\nservices: {auth-ui: {health: {path: /ok}, profile: core}}")
    assert found.project.profiles == (Profile.CORE,)
    assert found.catalog.services["auth-ui"].ports[0].path == "/ok"
    assert found.catalog.services["auth-ui"].profile is Profile.CORE


def test_the_file_of_init_is_all_comments_and_its_example_is_valid() -> None:
    assert yaml.safe_load(ALFRED_YAML) is None
    lines = [line.removeprefix("# ") for line in ALFRED_YAML.splitlines()[2:]]
    example = "\n".join(line for line in lines if ":" in line or line.lstrip().startswith("-"))
    example = example[example.index("platform:") :]
    assert "db-auth" in loaded(example).catalog.services


def test_the_json_schema_speaks_of_every_key() -> None:
    document = json_schema.document({})
    service = document["definitions"]["service"]["properties"]
    assert {"from", "host_port", "ports", "env", "health"} <= service.keys()
    assert service["host_port"]["maximum"] == 65535
    [services] = document["properties"]["services"]["patternProperties"].values()
    assert services == {"$ref": "#/definitions/service"}
    json.dumps(document)


def test_the_json_schema_has_names_for_an_editor_to_offer() -> None:
    """A YAML language server offers what stands in ``properties``, never what matches a pattern."""
    names = {"services": {"redis": "Redis"}, "settings": {"ALFRED_LOG_LEVEL": "how much"}}
    document = json_schema.document(names)
    parts = document["properties"]
    redis = {"description": "Redis", "$ref": "#/definitions/service"}
    assert parts["services"]["properties"] == {"redis": redis}
    assert parts["versions"]["properties"].keys() == {"redis"}
    depends_on = document["definitions"]["service"]["properties"]["depends_on"]
    assert "healthy" in depends_on["properties"]["redis"]["enum"]
    assert parts["settings"]["properties"]["ALFRED_LOG_LEVEL"]["description"] == "how much"


@bad_input
@given(st.data())
def test_no_mutation_makes_a_traceback(data: st.DataObject) -> None:
    base = "domain: x.example.com\nservices:\n  redis: {ports: [{host: 6380}], env: {A: b}}\n"
    start = data.draw(st.integers(0, len(base) - 1))
    end = data.draw(st.integers(start, min(len(base), start + 12)))
    insert = data.draw(
        st.one_of(
            st.text(max_size=12), st.sampled_from(["\t", "&a *a", "<<: ", "!!python/x", "{["])
        )
    )
    try:
        loaded(base[:start] + insert + base[end:])
    except ConfigError as error:
        assert all(p.line >= 1 and p.column >= 1 for p in error.problems)
