"""Slack's and GitHub's own examples, and everything that is no signature of theirs."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alfred_dev.tunnel.signatures import SENDERS, github, slack

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
AT = 1531420618.0
# The example of Slack's documentation.
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmib"
    b"IGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
HEADERS = {
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


def test_the_example_of_slacks_documentation_is_theirs() -> None:
    assert slack(HEADERS, BODY, SECRET, AT) == ""


@pytest.mark.parametrize(
    ("headers", "now", "why"),
    [
        ({}, AT, "no signature"),
        ({**HEADERS, "x-slack-request-timestamp": "1531420619"}, AT, "does not fit"),
        ({**HEADERS, "x-slack-request-timestamp": "soon"}, AT, "no number"),
        ({**HEADERS, "x-slack-request-timestamp": "٣"}, AT, "no number"),
        ({**HEADERS, "x-slack-request-timestamp": "9" * 400}, AT, "no number"),
        ({**HEADERS, "x-slack-signature": "v0=\udcff"}, AT, "does not fit"),
        (HEADERS, AT + 301, "too old"),
        (HEADERS, AT - 301, "too old"),
    ],
)
def test_what_is_not_slacks_is_told_why(headers: dict[str, str], now: float, why: str) -> None:
    assert why in slack(headers, BODY, SECRET, now)


def test_the_example_of_githubs_documentation_is_theirs() -> None:
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    assert github(headers, b"Hello, World!", "It's a Secret to Everybody", AT) == ""
    assert github(headers, b"Hello, World?", "It's a Secret to Everybody", AT)
    assert github({"x-hub-signature": "sha1=00"}, b"", "s", AT)


@settings(max_examples=40)
@given(body=st.binary(max_size=200), secret=st.text(min_size=1, max_size=40), other=st.binary())
def test_only_the_signed_body_passes(body: bytes, secret: str, other: bytes) -> None:
    key = secret.encode("utf-8", "surrogatepass")
    if key.decode("utf-8", "ignore") != secret:
        return
    signature = hmac.new(key, body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={signature}"}
    assert github(headers, body, secret, AT) == ""
    assert bool(github(headers, other, secret, AT)) == (other != body)


def test_every_senders_secret_is_a_setting_that_is_masked() -> None:
    from alfred_dev.settings import BY_KEY

    assert all(BY_KEY[sender.setting].secret for sender in SENDERS.values())
