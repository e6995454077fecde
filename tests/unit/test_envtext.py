"""The text of .env files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.envtext import example, parse_env_file, with_values
from alfred_dev.errors import ConfigError
from alfred_dev.settings import SETTINGS
from tests.cases import bad_input


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_and_byte_order_marks_do_not_matter(newline: str, mark: str) -> None:
    text = mark + newline.join(["# note", "", "A=1", "export B='x y'", "C="]) + newline
    assert parse_env_file(text.encode(), file=".env") == {
        "A": ("1", ".env:3"),
        "B": ("x y", ".env:4"),
        "C": ("", ".env:5"),
    }


def test_every_bad_line_is_named_and_no_value_is_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env_file(b"A=1\nhunter2\nB=2\n!!hunter3\n", file=".env")
    assert [p.line for p in caught.value.problems] == [2, 4]
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_refused_with_the_command_that_converts(encoding: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env_file("POSTGRES_PASSWORD=x\n".encode(encoding), file=".env")
    assert "UTF-16" in caught.value.cause
    assert "iconv" in caught.value.fix[0]


def test_latin1_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env_file("A=1\nB=é\n".encode("latin-1"), file=".env")
    assert caught.value.where == ".env:2:1"


def test_an_empty_assignment_is_filled_in_place_and_the_rest_is_kept() -> None:
    before = b"# mine\r\nA=1\r\nREDIS_PASSWORD=\r\nB=2"
    after = with_values(before, {"REDIS_PASSWORD": "xyz", "POSTGRES_PASSWORD": "abc"})
    assert after == b"# mine\r\nA=1\r\nREDIS_PASSWORD=xyz\r\nB=2\r\nPOSTGRES_PASSWORD=abc\r\n"


@bad_input
@given(st.lists(st.sampled_from([b"A=1", b"# c", b"", b"X=", b"REDIS_PASSWORD=", b"Q='a b'"])))
def test_what_was_added_is_read_back_and_nothing_else_changes(lines: list[bytes]) -> None:
    before = b"\n".join(lines)
    old = parse_env_file(before, file=".env")
    new = parse_env_file(with_values(before, {"REDIS_PASSWORD": "v1"}), file=".env")
    assert new.pop("REDIS_PASSWORD")[0] == "v1"
    old.pop("REDIS_PASSWORD", None)
    assert {k: v[0] for k, v in new.items()} == {k: v[0] for k, v in old.items()}


@bad_input
@given(st.binary(max_size=200))
def test_no_bytes_make_a_traceback(data: bytes) -> None:
    try:
        parse_env_file(data, file=".env")
    except ConfigError as error:
        assert error.problems  # noqa: PT017


def test_the_example_has_every_setting_and_no_secret() -> None:
    found = parse_env_file(example().encode(), file=".env.example")
    assert {k: v[0] for k, v in found.items()} == {s.key: s.default for s in SETTINGS}
