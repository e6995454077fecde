"""Who is let in, and whose requests are another page's."""

from __future__ import annotations

import pytest

from alfred_dev.dashboard import door

SECRET = "s" * 43
COOKIE = f"{door.cookie_name(3010)}={door.cookie_value(SECRET)}"


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({}, False),
        ({"authorization": f"Bearer {SECRET}"}, True),
        ({"authorization": f"bearer {SECRET}"}, True),
        ({"authorization": f"Basic {SECRET}"}, False),
        ({"authorization": "Bearer "}, False),
        ({"authorization": "Bearer \u00e9"}, False),
        ({"cookie": COOKIE}, True),
        ({"cookie": f"other=1; {COOKIE}"}, True),
        ({"cookie": COOKIE + "0"}, False),
        ({"cookie": COOKIE.replace("3010", "13010")}, False),
        ({"cookie": f"{door.cookie_name(3010)}={SECRET}"}, False),
        ({"cookie": "\x00=\x01"}, False),
    ],
)
def test_only_the_local_user_is_known(headers: dict[str, str], known: bool) -> None:
    assert door.is_known(headers, SECRET, 3010) is known


@pytest.mark.parametrize(
    ("headers", "changes", "foreign"),
    [
        ({"host": "127.0.0.1:3010"}, False, False),
        ({"host": "127.0.0.1:3010"}, True, True),  # a browser always sends an Origin with a change
        ({"host": "127.0.0.1:3010", "authorization": "Bearer x"}, True, False),
        ({"host": "127.0.0.1:3010", "origin": "http://127.0.0.1:3010"}, True, False),
        ({"host": "127.0.0.1:3010", "origin": "http://127.0.0.1:8502"}, True, True),
        ({"host": "127.0.0.1:3010", "origin": "http://127.0.0.1"}, True, True),
        ({"host": "dashboard.dev.example", "origin": "https://dashboard.dev.example"}, True, False),
        # The gateway takes the port off the Host, and a browser leaves it in the Origin.
        ({"host": "dashboard.dev.example", "origin": "https://dashboard.dev.example:8443"}, True,
         False),
        ({"host": "dashboard.dev.example", "origin": "https://ui.dev.example"}, True, True),
        ({"host": "127.0.0.1:3010", "origin": "null"}, True, True),
        ({"host": "127.0.0.1:3010", "sec-fetch-site": "same-origin"}, False, False),
        ({"host": "127.0.0.1:3010", "sec-fetch-site": "none"}, False, False),
        ({"host": "127.0.0.1:3010", "sec-fetch-site": "same-site"}, False, True),
        ({"host": "127.0.0.1:3010", "sec-fetch-site": "cross-site"}, False, True),
    ],
)  # fmt: skip
def test_requests_of_other_pages_are_told_apart(
    headers: dict[str, str], changes: bool, foreign: bool
) -> None:
    assert bool(door.is_foreign(headers, changes=changes)) is foreign


def test_a_code_lets_in_once_and_soon() -> None:
    codes = door.Codes()
    codes.give("a", 0.0)
    codes.give("b", 0.0)
    assert codes.take("a", 1.0)
    assert not codes.take("a", 1.0)
    assert not codes.take("b", door.CODE_LIFE_S)
    assert not codes.take("c", 1.0)
