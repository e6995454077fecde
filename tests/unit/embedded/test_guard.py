from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from alfred_dev.embedded.guard import GuardMiddleware, host_of, names, refusal

OURS = names("dev.alfred-platform.example.com", ["agent-core", "alfred-core"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8011",
        "localhost",
        "LocalHost:8011",
        "localhost.",
        "localhost.:80",
        "[::1]",
        "[::1]:8011",
        "agent-core",
        "AGENT-CORE:8011",
        "alfred-core.",
        "dev.alfred-platform.example.com",
        "api.dev.alfred-platform.example.com:8443",
        "a.b.Dev.Alfred-Platform.Example.Com.",
        "ui.localhost",
    ],
)
def test_our_names_are_let_in(host: str) -> None:
    assert refusal([host], [], OURS) is None
    assert refusal([host], [f"http://{host}"], OURS) is None
    assert refusal(["localhost"], [f"HTTPS://{host}"], OURS) is None


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("dev.alfred-platform.example.com.evil.example", 421),
        ("xdev.alfred-platform.example.com", 421),
        ("localhost.evil.example", 421),
        ("notlocalhost", 421),
        (".localhost", 421),
        ("127.0.0.2", 421),
        ("0.0.0.0", 421),
        ("2130706433", 421),
        ("[::2]", 421),
        ("redis", 421),
        ("localhost..", 421),
        ("", 400),
        (":8011", 400),
        ("localhost:http", 400),
        ("user@localhost", 400),
        ("localhost/", 400),
        ("local host", 400),
        ("[::1", 400),
        ("localhost\u00e9", 400),
        ("localhost,evil.example", 421),
    ],
)
def test_other_names_are_not(host: str, status: int) -> None:
    refused = refusal([host], [], OURS)
    assert refused is not None and refused.status == status


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_one_host_is_needed(hosts: list[str]) -> None:
    refused = refusal(hosts, [], OURS)
    assert refused is not None and refused.status == 400


@pytest.mark.parametrize(
    "origins",
    [
        ["null"],
        [""],
        ["http://evil.example"],
        ["https://evil.example:8011"],
        ["http://localhost.evil.example"],
        ["http://localhost@evil.example"],
        ["http://localhost/path"],
        ["file://localhost"],
        ["localhost"],
        ["http://localhost http://evil.example"],
        ["http://localhost", "http://evil.example"],
    ],
)
def test_other_sites_are_refused(origins: list[str]) -> None:
    refused = refusal(["localhost"], origins, OURS)
    assert refused is not None and (refused.status, refused.code) == (403, "cross-site")


@given(st.text(max_size=60))
def test_any_host_is_judged(host: str) -> None:
    found = host_of(host)
    assert found is None or found == found.lower()
    refusal([host], [host], OURS)


@given(st.from_regex(r"[a-z0-9.:\[\]@/-]{1,30}", fullmatch=True))
def test_only_our_names_ever_pass(host: str) -> None:
    if refusal([host], [], OURS) is None:
        assert any(
            name in host.lower()
            for name in ("127.0.0.1", "localhost", "::1", "core", "alfred-platform")
        )


def conversation(scope_type: str, headers: list[tuple[bytes, bytes]]) -> list[Message]:
    """What a guarded application sends back to one request."""
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "let in"})

    async def receive() -> Message:
        return {"type": f"{scope_type}.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": scope_type, "method": "GET", "path": "/", "headers": headers}
    asyncio.run(GuardMiddleware(application, OURS)(scope, receive, send))
    return sent


@pytest.mark.parametrize("scope_type", ["http", "websocket"])
def test_a_request_of_ours_reaches_the_application(scope_type: str) -> None:
    headers = [(b"host", b"localhost:1"), (b"origin", b"http://ui.localhost:3007")]
    assert conversation(scope_type, headers) == [{"type": "let in"}]


def test_the_lifespan_is_nobodys_request() -> None:
    assert conversation("lifespan", []) == [{"type": "let in"}]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example")],
        [(b"host", b"localhost"), (b"origin", b"http://evil.example")],
        [(b"host", b"localhost"), (b"origin", b"null")],
        [],
    ],
)
def test_a_websocket_of_another_site_is_closed_before_it_opens(
    headers: list[tuple[bytes, bytes]],
) -> None:
    (message,) = conversation("websocket", headers)
    assert message["type"] == "websocket.close" and message["code"] == 1008


def test_a_refusal_is_json() -> None:
    start, body = conversation("http", [(b"host", b"evil.example")])
    assert start["status"] == 421
    assert dict(start["headers"])[b"content-type"] == b"application/json"
    assert json.loads(body["body"])["error"]["code"] == "unknown-host"
