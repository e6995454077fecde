"""Selection, order, sources, variables."""

from __future__ import annotations

import pytest

from alfred_dev.catalog.model import Profile
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.plan import Facts, Found, Request, SourceKind
from alfred_dev.planner import narrow
from tests.worlds import ENGINES, plan


def test_everything_is_in_a_plan_with_dependencies_first() -> None:
    made = plan()
    assert len(made.services) == 17
    assert len(made.endpoints) == 19
    for service in made.services:
        for name in service.depends_on:
            assert made.ids.index(name) < made.ids.index(service.id)


def test_a_name_brings_what_it_depends_on_and_nothing_else() -> None:
    assert narrow(plan(), Request(names=("model-router",))).ids == (
        "db-postgres",
        "model-registry",
        "model-router",
    )


def test_other_names_are_understood() -> None:
    assert narrow(plan(), Request(names=("qdrant",))).ids == ("vector-db",)


def test_an_unknown_name_gets_a_hint() -> None:
    with pytest.raises(UsageError) as caught:
        narrow(plan(), Request(names=("agent-cor",)))
    assert "did you mean agent-core?" in caught.value.cause
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("profile", list(Profile))
def test_profiles_cover_everything_and_are_closed(profile: Profile) -> None:
    made = plan()
    narrowed = narrow(made, Request(profiles=(profile,)))
    assert {s.id for s in made.services if s.definition.profile is profile} <= set(narrowed.ids)
    for service in narrowed.services:
        assert set(service.depends_on) <= set(narrowed.ids)


def test_sources_in_their_order() -> None:
    found = {
        "db-postgres": Found(path="/usr/bin/postgres"),
        "monitoring-metrics": Found(path="/usr/bin/prometheus", version="2.42.0"),
    }
    unusable = {"pubsub-emulator": "it was found, but java is not on PATH"}
    made = plan(Facts(engines=ENGINES, binaries=found, unusable=unusable))
    assert made["db-postgres"].source.kind is SourceKind.EMBEDDED
    assert made["monitoring-metrics"].source.kind is SourceKind.BINARY
    assert made["monitoring-metrics"].source.detail == "/usr/bin/prometheus 2.42.0"
    assert made["pubsub-emulator"].source.kind is SourceKind.STAND_IN
    assert "java is not on PATH" in made["pubsub-emulator"].source.detail
    assert made["agent-core"].source.detail == "stand-in: its code is not here"


def test_strict_names_every_fall_back() -> None:
    with pytest.raises(MachineError) as caught:
        narrow(plan(), Request(names=("model-registry",), strict=True))
    assert caught.value.code == "strict-refused"
    assert [line.split(":")[0] for line in caught.value.cause.splitlines()] == [
        "db-postgres",
        "model-registry",
    ]


def test_a_password_in_a_url_is_percent_encoded() -> None:
    made = plan(POSTGRES_PASSWORD="p@ss/1#x")
    url = "postgresql://postgres:p%40ss%2F1%23x@127.0.0.1:5432/postgres"
    assert made["agent-core"].environment["ALFRED_DATABASE_URL"] == url
    assert made["agent-core"].environment["DATABASE_URL"] == url
    assert made["db-postgres"].client["PGPASSWORD"] == "p@ss/1#x"


def test_every_url_names_a_port_that_its_provider_listens_on() -> None:
    made = plan()
    ports = {endpoint.listen for endpoint in made.endpoints}
    for service in made.services:
        for name in service.asks.values():
            text = service.environment[name]
            assert int(text.split("/")[2 if "//" in text else 0].rpartition(":")[2]) in ports


def test_only_the_settings_of_a_service_reach_it() -> None:
    made = plan()
    assert "POSTGRES_PASSWORD" in made["db-postgres"].environment
    assert "POSTGRES_PASSWORD" not in made["auth-ui"].environment
    assert "REDIS_PASSWORD" not in made["agent-core"].environment  # it is told the URL


def test_the_project_has_all_its_names() -> None:
    environment = plan()["agent-core"].environment
    names = ("ALFRED_PROJECT_ID", "PUBSUB_PROJECT_ID", "GOOGLE_CLOUD_PROJECT")
    assert {environment[name] for name in names} == {"alfred-agent-platform"}
