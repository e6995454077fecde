"""Layers and masking."""

from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.settings import Layer, masked, resolve, url_quoted


def layer(name: str, **values: str) -> Layer:
    return Layer(name, {key: (text, f"{name}:1") for key, text in values.items()})


def test_the_strongest_layer_wins_and_the_others_are_remembered() -> None:
    found = resolve(
        [layer("environment", ALFRED_LOG_LEVEL="DEBUG"), layer(".env", ALFRED_LOG_LEVEL="ERROR")]
    ).values["ALFRED_LOG_LEVEL"]
    assert found.text == "DEBUG"
    assert [text for text, _ in found.shadowed] == ["ERROR", "INFO"]
    assert str(found.shadowed[0][1]) == ".env (.env:1)"


def test_an_empty_value_is_no_value() -> None:
    settings = resolve([layer("environment", REDIS_PASSWORD=""), layer(".env", REDIS_PASSWORD="x")])
    assert settings["REDIS_PASSWORD"] == "x"


@given(st.text(max_size=30))
def test_quoting_for_urls_is_undone_by_every_client(text: str) -> None:
    quoted = url_quoted(text)
    assert unquote(quoted) == text
    assert not set(quoted) & set("@:/#? \"'")


def test_masking_hides_clear_and_quoted_forms() -> None:
    settings = resolve([layer(".env", POSTGRES_PASSWORD="p@ss/1#x")])
    text = "postgresql://postgres:p%40ss%2F1%23x@h p@ss/1#x"
    assert masked(text, settings.secrets()) == "postgresql://postgres:***@h ***"
