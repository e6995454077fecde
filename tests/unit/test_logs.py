"""Stamps, merging, --since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.errors import UsageError
from alfred_dev.logs import (
    Level,
    chosen,
    last_of_each,
    level_of,
    merged,
    parse,
    parse_since,
    since_start,
)
from alfred_dev.runtime.evidence import endings
from alfred_dev.runtime.logfiles import Follower, read_all
from alfred_dev.runtime.supervisord import stamped

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
A = "2026-01-31T10:00:00.000Z a1\n  more of a1\n2026-01-31T10:00:02.000Z a2\n"
B = "2026-01-31T10:00:01.000Z b1\n"


def test_lines_come_in_the_order_of_time_and_continuations_stay() -> None:
    found = [(line.service, line.message) for line in merged({"a": A, "b": B})]
    assert found == [("a", "a1"), ("a", "  more of a1"), ("b", "b1"), ("a", "a2")]


@pytest.mark.parametrize(
    ("second", "again", "expected"),
    [
        (2, False, ["a2"]),
        (2, True, ["a2"]),
        (3, False, []),
        (3, True, ["a1", "  more of a1", "a2"]),
        (40, True, []),
    ],
)
def test_what_was_said_since_a_start(second: int, again: bool, expected: list[str]) -> None:
    begin = datetime(2026, 1, 31, 10, 0, second, tzinfo=UTC)
    said = [line.message for line in since_start(parse("a", A), begin, again=again)]
    assert said == expected


def test_since_and_tail() -> None:
    since = datetime(2026, 1, 31, 10, 0, 1, tzinfo=UTC)
    assert [x.message for x in merged({"a": A, "b": B}, since=since)] == ["b1", "a2"]
    assert [x.message for x in merged({"a": A, "b": B}, tail=1)] == ["b1", "a2"]
    assert merged({"a": A}, tail=0) == []


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("10m", timedelta(minutes=10)),
        ("2h30m", timedelta(hours=2, minutes=30)),
        ("1d", timedelta(days=1)),
        ("0s", timedelta()),
    ],
)
def test_durations(text: str, ago: timedelta) -> None:
    assert parse_since(text, NOW) == NOW - ago


def test_a_moment() -> None:
    assert parse_since("2026-01-31T10:00:00+00:00", NOW) == datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "10", "m10", "-5m"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError):
        parse_since(text, NOW)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_stamping_adds_a_stamp_a_line_and_loses_nothing(chunks: list[bytes]) -> None:
    out, in_line = b"", False
    for chunk in chunks:
        if chunk:
            out += stamped(chunk, in_line=in_line, now=NOW)
            in_line = not chunk.endswith(b"\n")
    stamp = b"2026-01-31T12:00:00.123Z "
    assert out.replace(stamp, b"") == b"".join(chunks).replace(stamp, b"")
    assert all(line.startswith(stamp) for line in out.split(b"\n") if line)


@given(st.text(max_size=200))
def test_any_text_is_a_log(text: str) -> None:
    assert [line.service for line in parse("a", text)] == ["a"] * len(text.splitlines())


def test_rotation_is_read_across_and_followed(tmp_path: Path) -> None:
    (tmp_path / "a.log.1").write_text("old\n")
    (tmp_path / "a.log").write_text("new\n")
    assert read_all(tmp_path, ["a", "absent"]) == {"a": "old\nnew\n", "absent": ""}
    new = iter(Follower(tmp_path, ["a"]))
    assert next(new) == {}
    with (tmp_path / "a.log").open("a") as file:
        file.write("one\nhalf")
    assert next(new) == {"a": "one\n"}
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    (tmp_path / "a.log").write_text("two\n")
    assert "two\n" in next(new)["a"]


def test_endings_in_supervisords_words() -> None:
    log = (
        "2026-01-31 12:00:00,1 WARN exited: redis (exit status 1; not expected)\n"
        "2026-01-31 12:00:01,1 WARN exited: redis (terminated by SIGKILL; not expected)\n"
        "2026-01-31 12:00:02,1 INFO stopped: auth-ui (exit status 0)\n"
    )
    assert endings(log) == {"redis": "terminated by SIGKILL", "auth-ui": "exit status 0"}


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("GET /v1/tasks 200 1.2 ms", Level.INFO),
        ("GET /v1/error 404 1.2 ms", Level.WARNING),
        ("POST /v1/tasks 503 1.2 ms", Level.ERROR),
        ('{"level":"warn","msg":"x"}', Level.WARNING),
        ("ts=2026 caller=main.go level=error msg=no", Level.ERROR),
        ("[2026][12][critical][main] no", Level.ERROR),
        ("2026-01-02 UTC [7] FATAL:  password is wrong", Level.ERROR),
        ("LOG:  database system is ready", Level.INFO),
        ("DEBUG something", Level.DEBUG),
        ("it makes an error message now", Level.INFO),
        ("ordinary", Level.INFO),
    ],
)
def test_a_line_says_how_grave_it_is(message: str, level: Level) -> None:
    assert level_of(message) is level


def test_lines_are_chosen_by_level_and_text() -> None:
    said = merged({"a": "ERROR one\nplain one\nWARNING Two\nERROR two\n"})
    assert [x.message for x in chosen(said, level=Level.WARNING, text="TWO")] == [
        "WARNING Two",
        "ERROR two",
    ]
    assert len(list(chosen(said))) == 4
    assert [x.message for x in last_of_each(chosen(said, level=Level.ERROR), 1)] == ["ERROR two"]
    assert last_of_each(said, 0) == []
