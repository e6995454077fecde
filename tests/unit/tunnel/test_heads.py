"""What of a request's head goes on to the service, and what does not."""

from __future__ import annotations

import h11
import pytest

from alfred_dev.tunnel import heads
from tests.unit.tunnel.made import spec

URL = "https://one.ngrok.app"


def passed(*lines: tuple[str, str], version: str = "1.1") -> dict[str, str]:
    """Return the header lines that the service gets, names in lower case."""
    head = h11.Request(method="GET", target="/x", headers=list(lines), http_version=version)
    found = heads.outgoing(head, spec(host="agent.example"), URL, "")
    return {n.decode(): v.decode() for n, v in found.headers}


HOST = ("Host", "one.ngrok.app")


def test_a_connection_becomes_a_websocket_and_nothing_else() -> None:
    keys = (HOST, ("Connection", "Upgrade, HTTP2-Settings"))
    assert passed(*keys, ("Upgrade", "WebSocket"))["upgrade"] == "WebSocket"
    # In HTTP/2 requests would go on to the service that nobody judges.
    kept = passed(*keys, ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk"))
    assert not {"upgrade", "connection", "http2-settings"} & kept.keys()


@pytest.mark.parametrize(
    "name", ["x-user", "x_user", "X_Role", "x-scope", "x_forwarded_for", "X-Forwarded_For",
             "x-alfred-gateway", "x_alfred_gateway"],
)  # fmt: skip
def test_nobody_says_himself_who_he_is(name: str) -> None:
    assert "root" not in passed(HOST, (name, "root")).values()


def test_an_old_client_without_a_host_is_asked_for_the_services_own() -> None:
    assert passed(version="1.0")["host"] == "agent.example"
