"""Secrets are made once, into .env, and never replaced while data is bound to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from alfred_dev import envfile
from alfred_dev.errors import UsageError
from alfred_dev.settings import SETTINGS
from alfred_dev.workspace import Workspace

GENERATED = {s.key for s in SETTINGS if s.generated}


def test_all_secrets_are_made_on_first_use(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    said: list[str] = []
    made = envfile.ensure(place, envfile.load(place, {}), tell=said.append)
    assert set(made) == GENERATED
    assert len(set(made.values())) == len(made)
    settings = envfile.load(place, {})
    assert {key: settings[key] for key in GENERATED} == made
    assert place.env_file.stat().st_mode & 0o777 == 0o600
    assert not any(secret in said[0] for secret in made.values())
    assert envfile.ensure(place, settings, tell=said.append) == {}


def test_what_the_shell_gives_is_not_written(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    made = envfile.ensure(place, envfile.load(place, {"REDIS_PASSWORD": "x"}), tell=lambda _: None)
    assert "REDIS_PASSWORD" not in made


def test_a_key_with_data_is_not_replaced(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    (place.data / "db-postgres").mkdir(parents=True)
    (place.data / "db-postgres" / "PG_VERSION").write_text("18")
    with pytest.raises(UsageError) as caught:
        envfile.ensure(place, envfile.load(place, {}), tell=lambda _: None)
    assert caught.value.what == "POSTGRES_PASSWORD is missing in .env"
    assert "--volumes" in caught.value.fix[1]
    assert not place.env_file.exists()


def test_layers_in_their_order(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.env_file.write_text("ALFRED_LOG_LEVEL=four\n")
    (tmp_path / ".env.local").write_text("ALFRED_LOG_LEVEL=three\n")
    other = tmp_path / "other.env"
    other.write_text("ALFRED_LOG_LEVEL=two\n")
    value = envfile.load(place, {"ALFRED_LOG_LEVEL": "one"}, other).values["ALFRED_LOG_LEVEL"]
    assert [value.text, *(text for text, _ in value.shadowed)] == [
        "one", "two", "three", "four", "INFO",
    ]  # fmt: skip
    assert [str(origin) for _, origin in value.shadowed] == [
        "--env-file (other.env:1)", ".env.local (.env.local:1)", ".env (.env:1)", "default",
    ]  # fmt: skip
