"""Mistakes in a catalog: all of them, each at its line, with a hint."""

# ruff: noqa: E501 - the expected messages stand as users see them

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.parse import parse
from alfred_dev.catalog.rules import REFUSED_BY_BROWSERS
from alfred_dev.errors import ConfigError
from tests.cases import bad_input
from tests.worlds import catalog_text

SMALL = """\
ranges:
  api: {first: 8000, last: 8999}
services:
  one:
    title: One
    tier: application
    profile: core
    ports:
      - {host: 8001, container: 80, protocol: HTTP, purpose: p, range: api, probe: http}
  two:
    title: Two
    tier: application
    profile: core
    ports:
      - {host: 8002, container: 80, protocol: HTTP, purpose: p, range: api, probe: http}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="s.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_the_small_catalog_is_sound() -> None:
    assert list(parse(SMALL, source="s.yaml").services) == ["one", "two"]


def test_an_unknown_key_is_named_with_a_hint() -> None:
    assert problems(SMALL.replace("    title: One\n    tier", "    title: One\n    teir")) == [
        "s.yaml:4:3: tier is missing",
        "s.yaml:6:5: unknown key teir of services.one (did you mean tier?)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("host: 8001", "host: 0", "9:16: services.one.ports.0.host: expected a number from 1 to 65535 (a port), found '0'"),
        ("host: 8001", "host: 70000", "9:16: services.one.ports.0.host: expected a number from 1 to 65535 (a port), found '70000'"),
        ("host: 8001", "host: 80:01", "9:16: services.one.ports.0.host: expected a whole number (a port), found '80:01'"),
        ("host: 8001", "host: eight", "9:16: services.one.ports.0.host: expected a whole number (a port), found 'eight'"),
        ("title: One", "title: [a]", "5:12: services.one.title: expected a name for people, found a list"),
        ("title: One", "title:", "5:11: services.one.title: expected text (a name for people), found nothing"),
        ("  one:", "  One!:", "4:3: 'One!' cannot be a name here"),
        ("title: One", "title: One\n    title: Two", "6:5: the key title stands here twice"),
        ("title: One", "\ttitle: One", "5:5: not valid YAML: a tab; YAML is indented by spaces"),
        ("tier: application", "tier: aplication", "6:11: services.one.tier: expected one of external, public, application, data, monitoring, found 'aplication' (did you mean application?)"),
    ],
)  # fmt: skip
def test_a_mistake_is_placed_and_explained(old: str, new: str, expected: str) -> None:
    assert f"s.yaml:{expected}" in problems(SMALL.replace(old, new, 1))


def test_contradictions_are_reported_together() -> None:
    text = SMALL.replace("host: 8002", "host: 8001").replace(
        "    profile: core\n", "    profile: core\n    depends_on: {tow: healthy}\n", 1
    )
    assert problems(text) == [
        "s.yaml:4:3: one depends on tow, which does not exist (did you mean two?)",
        "s.yaml:16:9: port 8001 is claimed by one (s.yaml:10), two (s.yaml:16)",
    ]


def test_a_cycle_is_shown_as_a_ring() -> None:
    text = SMALL.replace("title: One", "title: One\n    depends_on: {two: started}").replace(
        "title: Two", "title: Two\n    depends_on: {one: started}"
    )
    assert problems(text) == ["s.yaml:4:3: services wait for each other: one -> two -> one"]


def test_a_port_outside_its_range_needs_a_record() -> None:
    text = SMALL.replace("host: 8002", "host: 9002")
    assert "port 9002 lies outside api (8000-8999)" in problems(text)[0]
    recorded = text.replace("host: 9002,", "host: 9002, outside_range: as agreed,")
    assert parse(recorded, source="s.yaml").services["two"].ports[0].host == 9002


def test_a_port_that_browsers_refuse_is_a_mistake() -> None:
    number = max(REFUSED_BY_BROWSERS)
    text = SMALL.replace("host: 8002,", f"host: {number}, outside_range: why,")
    assert problems(text) == [f"s.yaml:15:9: two: browsers refuse to open port {number}"]


def test_aliases_that_stand_for_billions_of_values_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)
    )
    nested = "ranges: {}\nservices: {}\n"
    assert problems(bomb + nested)


@bad_input
@given(st.data())
def test_no_mutation_of_the_catalog_makes_a_traceback(data: st.DataObject) -> None:
    text = catalog_text()
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    mutated = text[:start] + data.draw(st.text(max_size=8)) + text[end:]
    try:
        parse(mutated, source="s.yaml")
    except ConfigError as error:
        assert all(p.line >= 1 and p.column >= 1 for p in error.problems)  # noqa: PT017
