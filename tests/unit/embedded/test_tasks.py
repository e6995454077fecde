from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.embedded.answers import RequestError
from alfred_dev.embedded.tasks import LIST_LIMIT, TITLE_LIMIT, asked_by, limit_of


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 60_000, 400),
        (b"1" * 60_000, 400),
        (b"[]", 422),
        (b'"title"', 422),
        (b"{}", 422),
        (b'{"title": 7}', 422),
        (b'{"title": null}', 422),
        (b'{"title": ""}', 422),
        (b'{"title": " \\t "}', 422),
        (b'{"title": "a\\u0000b"}', 422),
        (b'{"title": "\\ud800"}', 422),
        (b'{"title": "a", "fail": 7}', 422),
        (b'{"title": "a", "fail": "A service"}', 422),
        (json.dumps({"title": "x" * (TITLE_LIMIT + 1)}).encode(), 422),
    ],
)
def test_what_is_no_title_is_refused(body: bytes, status: int) -> None:
    with pytest.raises(RequestError) as caught:
        asked_by(body)
    assert caught.value.status == status


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text().map(lambda t: json.dumps({"title": t}).encode())
)
def test_any_body_is_a_title_or_refused(body: bytes) -> None:
    try:
        title, fail = asked_by(body)
    except RequestError as error:
        assert error.status in (400, 422)
    else:
        assert title.strip() and len(title) <= TITLE_LIMIT and title.encode()
        assert fail == ""


def test_who_shall_fail() -> None:
    assert asked_by(b'{"title": "a", "fail": "agent-legal"}') == ("a", "agent-legal")


@pytest.mark.parametrize(("text", "limit"), [(None, LIST_LIMIT), ("7", 7), ("99999", LIST_LIMIT)])
def test_a_limit(text: str | None, limit: int) -> None:
    assert limit_of(text) == limit


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "\u0663", "9" * 5000])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        limit_of(text)
