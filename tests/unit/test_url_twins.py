"""Secrets that need percent-encoding stand in .env a second time, encoded; and only those."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev import envfile
from alfred_dev.envtext import IN_URLS, parse_env_file, url_twins, with_url_twins
from alfred_dev.settings import BY_KEY
from alfred_dev.workspace import Workspace
from tests.worlds import catalog


def twinned(text: str) -> str:
    return with_url_twins(text.encode(), file=".env").decode()


def test_a_plain_password_has_no_twin() -> None:
    assert twinned("POSTGRES_PASSWORD=plain-1.~_\n") == "POSTGRES_PASSWORD=plain-1.~_\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("REDIS_PASSWORD=a@b", "REDIS_PASSWORD=a@b\nREDIS_PASSWORD_URL=a%40b\n"),
        ("REDIS_PASSWORD=a@b\r\n", "REDIS_PASSWORD=a@b\r\nREDIS_PASSWORD_URL=a%40b\r\n"),
        ("REDIS_PASSWORD_URL=old\nREDIS_PASSWORD=plain\n", "REDIS_PASSWORD=plain\n"),
        ("X=1\nREDIS_PASSWORD_URL=old\n", "X=1\n"),
        (
            "REDIS_PASSWORD_URL=old\nREDIS_PASSWORD=a@b\n# end\n",
            "REDIS_PASSWORD=a@b\n# end\nREDIS_PASSWORD_URL=a%40b\n",
        ),
        ("DB_JWT_SECRET=a@b\n", "DB_JWT_SECRET=a@b\n"),
    ],
)
def test_the_twin_follows_its_secret(before: str, after: str) -> None:
    assert twinned(before) == after
    assert twinned(after) == after


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n'\\"), min_size=1))
def test_every_twin_decodes_to_its_secret(password: str) -> None:
    text = twinned(f"POSTGRES_PASSWORD='{password}'\n")
    values = {key: value for key, (value, _) in parse_env_file(text.encode(), file="f").items()}
    told = values.get("POSTGRES_PASSWORD_URL", password)
    assert unquote(told) == password
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+", told)
    assert url_twins(values).get("POSTGRES_PASSWORD_URL", password) == told


def test_every_secret_of_the_catalogs_urls_can_have_a_twin() -> None:
    variables = [v.value for s in catalog().services.values() for v in s.variables]
    keys = {key for value in variables for key in re.findall(r"\{([A-Z_]+)\}", value)}
    assert {key for key in keys if BY_KEY[key].secret} == set(IN_URLS)


def test_up_writes_the_twins_and_nothing_else(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.env_file.write_text("POSTGRES_PASSWORD='a b'\n")
    made = envfile.ensure(place, envfile.load(place, {}), tell=lambda _: None)
    assert "POSTGRES_PASSWORD_URL=a%20b\n" in place.env_file.read_text()
    assert not any(key.endswith("_URL") for key in made)
    before = place.env_file.read_bytes()
    assert envfile.ensure(place, envfile.load(place, {}), tell=lambda _: None) == {}
    assert place.env_file.read_bytes() == before
    place.env_file.write_text(place.env_file.read_text().replace("'a b'", "plain"))
    assert envfile.ensure(place, envfile.load(place, {}), tell=lambda _: None) == {}
    assert "POSTGRES_PASSWORD_URL" not in place.env_file.read_text()


def test_a_password_of_the_shell_is_not_written(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    settings = envfile.load(place, {key: "a b" for key in BY_KEY})
    assert envfile.ensure(place, settings, tell=lambda _: None) == {}
    assert not place.env_file.exists()
