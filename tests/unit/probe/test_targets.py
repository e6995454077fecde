from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import alfred_dev.catalog
from alfred_dev import plan, planner
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.catalog.parse import parse
from alfred_dev.probe.base import Target
from alfred_dev.probe.targets import targets_of
from alfred_dev.settings import Layer, Settings, resolve

GIVEN = {
    "POSTGRES_PASSWORD": "pg/secret",
    "REDIS_PASSWORD": "redis%secret",
    "ALFRED_PROJECT_ID": "my-project",
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return resolve([Layer("flag", {key: (value, None) for key, value in GIVEN.items()})])


@pytest.fixture(scope="module")
def made(settings: Settings) -> plan.Plan:
    source = Path(alfred_dev.catalog.__file__).with_name("services.yaml")
    return planner.make(parse(source.read_text(), source=str(source)), settings, plan.Facts())


def test_every_endpoint_of_the_platform_is_asked_on_loopback(made: plan.Plan) -> None:
    targets = targets_of(made)

    assert list(targets) == list(made.endpoints)
    assert len(targets) == 19
    assert {target.host for target in targets.values()} == {"127.0.0.1"}
    assert all(
        (target.kind, target.port, target.path) == (endpoint.probe, endpoint.port, endpoint.path)
        for endpoint, target in targets.items()
    )


def test_only_those_who_need_credentials_get_them(made: plan.Plan) -> None:
    bare = Target(kind=ProbeKind.TCP, host="", port=1)
    asked = {
        target.kind: replace(target, kind=ProbeKind.TCP, host="", port=1, path="/")
        for target in targets_of(made).values()
    }

    assert asked.pop(ProbeKind.POSTGRES) == replace(
        bare, user="postgres", password="pg/secret", database="postgres"
    )
    assert asked.pop(ProbeKind.REDIS) == replace(bare, password="redis%secret")
    assert asked.pop(ProbeKind.PUBSUB) == replace(bare, project="my-project")
    assert set(asked.values()) == {bare}


def test_the_same_is_asked_when_read_from_the_endpoint_variables(made: plan.Plan) -> None:
    targets = {target.kind: target for target in targets_of(made).values()}
    variables = made.endpoints_environment

    read = Target.from_url(ProbeKind.POSTGRES, variables["ALFRED_DATABASE_URL"])
    assert read == targets[ProbeKind.POSTGRES]
    read = Target.from_url(ProbeKind.REDIS, variables["ALFRED_REDIS_URL"])
    assert replace(read, database="") == targets[ProbeKind.REDIS]
