"""config explain: right for every pair of layers, secrets masked."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from alfred_dev import envfile
from alfred_dev.catalog.project import Loaded, load
from alfred_dev.errors import UsageError
from alfred_dev.report.explain import layers, settings_rows
from alfred_dev.settings import SETTINGS, Settings
from alfred_dev.workspace import Workspace
from tests.worlds import catalog_text

KNOWN = {setting.key: setting.secret for setting in SETTINGS}
KEY = "ALFRED_LOG_LEVEL"
ORDER = ["flag", "environment", "--env-file", ".env.local", ".env", "alfred.yaml", "default"]


def settings(tmp_path: Path, given: tuple[str, ...], key: str = KEY) -> Settings:
    place = Workspace(tmp_path)
    files = {".env.local": tmp_path / ".env.local", ".env": place.env_file}
    for layer in given:
        if layer in files:
            files[layer].write_text(f"# first line\n{key}={layer}\n")
    other = tmp_path / "other.env"
    other.write_text(f"{key}=--env-file\n")
    return envfile.load(
        place,
        {key: "environment"} if "environment" in given else {},
        other if "--env-file" in given else None,
        flags={key: "flag"} if "flag" in given else {},
        project={key: ("alfred.yaml", "alfred.yaml:3")} if "alfred.yaml" in given else {},
    )


def loaded(text: str = "") -> Loaded:
    return load(catalog_text(), text, source="services.yaml", known_settings=KNOWN)


@pytest.mark.parametrize("pair", list(itertools.combinations(ORDER, 2)), ids="+".join)
def test_every_pair_of_layers(tmp_path: Path, pair: tuple[str, str]) -> None:
    rows = layers(KEY, settings(tmp_path, pair), loaded())
    assert [row["layer"] for row in rows] == [*(x for x in pair if x != "default"), "default"]
    assert rows[0]["value"] == pair[0]


def test_files_are_named_with_their_line(tmp_path: Path) -> None:
    rows = layers(KEY, settings(tmp_path, (".env", ".env.local", "--env-file")), loaded())
    assert [row["origin"] for row in rows] == [
        "--env-file (other.env:1)",
        ".env.local (.env.local:2)",
        ".env (.env:2)",
        "default",
    ]


def test_secrets_are_masked_in_every_layer(tmp_path: Path) -> None:
    found = settings(tmp_path, (".env", "environment"), key="REDIS_PASSWORD")
    assert {row["value"] for row in layers("REDIS_PASSWORD", found, loaded())} == {"***", ""}
    assert not any(row["value"] == "environment" for row in settings_rows(found))


def test_paths_of_alfred_yaml_and_of_the_catalog(tmp_path: Path) -> None:
    found = loaded("services:\n  redis:\n    ports:\n      - host: 6380\n")
    rows = layers("services.redis.ports.0.host", settings(tmp_path, ()), found)
    assert [row["value"] for row in rows] == ["6380", "6379"]
    assert rows[0]["origin"] == "alfred.yaml:4"
    assert rows[1]["layer"] == "services.yaml"


def test_an_unknown_key_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        layers("ALFRED_LOGLEVEL", settings(tmp_path, ()), loaded())
    assert "did you mean ALFRED_LOG_LEVEL?" in caught.value.cause
