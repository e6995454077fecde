from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import Ask, EmbeddedSpec, Listener, SpecError

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
TEXTS = st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text)
PATHS = st.from_regex(r"/[\x21-\x7e]{0,20}", fullmatch=True)
KINDS = st.sampled_from(ProbeKind)
SPECS = st.builds(
    EmbeddedSpec,
    id=NAMES,
    title=TEXTS,
    stands_in=st.booleans(),
    bind=st.ip_addresses(v=4).map(str),
    domain=NAMES,
    ports=st.lists(
        st.builds(Listener, listen=st.integers(1, 65535), probe=KINDS, path=PATHS, purpose=TEXTS),
        min_size=1,
    ).map(tuple),
    asks=st.lists(
        st.builds(
            Ask,
            service=NAMES,
            variable=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
            probe=KINDS,
            path=PATHS,
        )
    ).map(tuple),
    api=st.lists(NAMES).map(tuple),
    aliases=st.lists(NAMES).map(tuple),
    data=TEXTS.map(lambda text: Path("/", text)),
)
GOOD = {
    "id": "agent-core",
    "title": "Agent Core",
    "stands_in": True,
    "bind": "127.0.0.1",
    "domain": "dev.alfred-platform.example.com",
    "ports": [{"listen": 8011, "probe": "http", "path": "/health", "purpose": "core"}],
    "asks": [{"service": "redis", "variable": "ALFRED_REDIS_URL", "probe": "redis", "path": "/"}],
    "api": ["tasks"],
    "aliases": ["alfred-core"],
    "data": "/home/a b/é/.alfred/data/agent-core",
}


@given(SPECS)
@settings(max_examples=30)  # large values, slow to draw
def test_what_is_written_is_read_back(spec: EmbeddedSpec) -> None:
    text = spec.to_json()
    assert EmbeddedSpec.from_json(text) == spec
    assert text.isascii() and "\n" not in text


def test_the_document_of_the_renderer_is_understood() -> None:
    spec = EmbeddedSpec.from_json(json.dumps(GOOD))
    assert spec.ports == (
        Listener(listen=8011, probe=ProbeKind.HTTP, path="/health", purpose="core"),
    )
    assert spec.asks[0].variable == "ALFRED_REDIS_URL"
    assert spec.data == Path("/home/a b/é/.alfred/data/agent-core")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(SpecError):
        EmbeddedSpec.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(key=st.sampled_from(sorted(GOOD)), value=JSON)
def test_any_value_is_read_or_refused(key: str, value: object) -> None:
    try:
        EmbeddedSpec.from_json(json.dumps({**GOOD, key: value}))
    except SpecError as error:
        assert key in str(error) or key == "ports"


@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_missing_field_is_named(key: str) -> None:
    document = {k: v for k, v in GOOD.items() if k != key}
    with pytest.raises(SpecError, match=f"has no {key}"):
        EmbeddedSpec.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "unknown fields: colour"),
        ({"ports": []}, "no port to listen on"),
        ({"ports": [{**GOOD["ports"][0], "listen": 0}]}, r"listen of ports.*\[0\]"),  # type: ignore[index]  # a list of objects
        ({"ports": [{**GOOD["ports"][0], "probe": "ftp"}]}, "no protocol we know"),  # type: ignore[index]  # the same
        ({"bind": "localhost"}, "not an IPv4 address"),
        ({"bind": "::1"}, "not an IPv4 address"),
        ({"data": "relative/folder"}, "not an absolute path"),
        ({"id": "../etc"}, "not a name"),
        ({"stands_in": 1}, "not true or false"),
        ({"title": "a\0b"}, "not text"),
    ],
)
def test_a_wrong_value_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        EmbeddedSpec.from_json(json.dumps({**GOOD, **change}))


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(SpecError, match="not JSON"):
        EmbeddedSpec.from_json("[" * 100_000)
