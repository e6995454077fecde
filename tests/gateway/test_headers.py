"""What browsers are told, what a page of another site may read, and what is written down."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from alfred_dev.dashboard import ask, figures
from tests.gateway.conftest import ORIGIN
from tests.gateway.doors import STATISTICS, Door, heard, host

PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
}


@pytest.mark.parametrize("label", ["ui", "admin", "auth", "grafana", "prometheus", "mail"])
def test_every_page_has_a_content_security_policy_and_its_companions(
    door: Door, label: str
) -> None:
    headers = door.get(label, "/").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "object-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["server"] == "alfred-dev"
    assert not [name for name in headers if name.startswith("x-envoy")]


def test_what_a_page_needs_beyond_the_strict_policy_is_of_that_page_alone(door: Door) -> None:
    chat, log_in = (
        door.get(label, "/").headers["content-security-policy"] for label in ("ui", "auth")
    )
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in chat
    assert "script-src 'self';" in log_in


def test_a_page_with_a_policy_of_its_own_keeps_it(door: Door) -> None:
    headers = door.get("ui", "/own-policy").headers
    assert headers.get_list("content-security-policy") == ["default-src 'none'"]


def test_refusals_have_the_headers_too(door: Door) -> None:
    for answer in (door.get("api", "/agents/core/"), door.get("ui", "/x;y")):
        assert answer.status_code in (401, 403)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
        assert answer.json()["error"]["code"] == answer.status_code


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/static/js/main.0a1b2c3d.js", "public, max-age=31536000, immutable"),
        ("/_next/static/chunks/x", "public, max-age=31536000, immutable"),
        ("/static/logo.png", "no-cache"),
        ("/index.html", None),
    ],
)
def test_static_files_are_kept_as_long_as_their_names_say(
    door: Door, path: str, kept: str | None
) -> None:
    assert door.get("ui", path).headers.get("cache-control") == kept


def test_an_error_is_never_kept(door: Door) -> None:
    for code in (404, 500, 503):
        headers = door.get("ui", f"/status/{code}/main.0a1b2c3d.js").headers
        assert headers.get("cache-control") in (None, "no-store"), code


@pytest.mark.parametrize(
    "origin", [f"https://{host('ui')}", "https://admin.alfred.localhost", ORIGIN]
)
def test_a_page_of_ours_may_call_the_api(door: Door, origin: str) -> None:
    asked = door.request("OPTIONS", "api", "/agents/core/", headers={"Origin": origin, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == origin
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    answer = door.get("api", "/agents/core/", token=door.token(), headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "origin" not in heard(answer)["headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", f"https://{host('ui')}.evil.example", f"http://{host('ui')}"],
)
def test_a_page_of_another_site_may_not_and_its_preflight_reaches_no_service(
    door: Door, origin: str
) -> None:
    asked = door.request("OPTIONS", "api", "/agents/core/", headers={"Origin": origin, **PREFLIGHT})
    assert "access-control-allow-origin" not in asked.headers
    assert "service" not in asked.text
    answer = door.get("api", "/agents/core/", token=door.token(), headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


def test_an_options_that_is_no_preflight_needs_a_token(door: Door) -> None:
    assert door.request("OPTIONS", "api", "/agents/core/").status_code == 401


def test_the_trace_of_a_request_is_passed_on(door: Door) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = door.get(
        "api", "/agents/core/", token=door.token(),
        headers={"traceparent": trace, "tracestate": "a=b", "x-request-id": "mine"},
    )  # fmt: skip
    said = heard(answer)["headers"]
    assert (said["traceparent"], said["tracestate"]) == (trace, "a=b")
    assert said["x-request-id"] == answer.headers["x-request-id"] != "mine"


def test_a_request_is_written_down_as_json_without_a_secret(door: Door) -> None:
    secrets = [door.token("carla"), "adk_of-ci", "hunter2", "cookie-of-hers"]
    answer = door.get(
        "api", "/agents/core/what?password=hunter2", token=secrets[0],
        headers={"cookie": f"s={secrets[3]}"},
    )  # fmt: skip
    door.get("api", "/agents/core/", headers={"x-api-key": secrets[1]})
    door.get("api", f"/agents/core/?access_token={secrets[0]}")
    row = logged(door, answer.headers["x-request-id"])
    assert row["user"] == "carla"
    assert (row["method"], row["path"], row["status"]) == ("GET", "/agents/core/what", 200)
    assert row["upstream"] == "agent-core"
    assert row["client"] == "127.0.0.1"
    assert row["ms"] >= row["upstream_ms"] >= 0
    text = door.log()
    for secret in (*secrets, door.plan.settings["ALFRED_GATEWAY_SECRET"]):
        assert secret not in text


def test_an_api_client_is_named_in_the_log(door: Door) -> None:
    answer = door.get("api", "/agents/core/", headers={"x-api-key": "adk_of-ci"})
    assert logged(door, answer.headers["x-request-id"])["api_client"] == "ci"


def test_nobody_names_himself_in_the_log(door: Door) -> None:
    lie = {"x-user": "a-liar"}
    for path in ("/agents/core/%2f", "/agents/core/", "/health"):
        door.get("api", path, headers=lie)
    last = door.get("ui", "/", headers=lie)
    logged(door, last.headers["x-request-id"])
    assert "/agents/core/" in door.log()
    assert "a-liar" not in door.log()


def test_statistics_have_a_histogram_for_each_service(door: Door) -> None:
    door.get("api", "/agents/legal/", token=door.token())
    name = 'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="agent-legal",le="'
    assert name in door.statistics()


def test_the_dashboard_reads_how_much_goes_to_each_service(door: Door) -> None:
    asked = ("agent-legal", "auth-ui")
    text = asyncio.run(ask.forwarded("127.0.0.1", door.ports[STATISTICS]))
    before = figures.read_gateway(text, 0.0, asked)
    for _ in range(3):
        assert door.get("api", "/agents/legal/", token=door.token()).status_code == 200
    deadline = time.monotonic() + 15  # Envoy's histograms follow every five seconds
    while time.monotonic() < deadline:
        text = asyncio.run(ask.forwarded("127.0.0.1", door.ports[STATISTICS]))
        told = figures.calls(before, figures.read_gateway(text, 1.0, asked))
        if "agent-legal" in told and told["agent-legal"].rate >= 3:
            return
        time.sleep(0.2)
    raise AssertionError(told)


def logged(door: Door, request_id: str, timeout_s: float = 10.0) -> dict[str, Any]:
    """The line of one request: written within a second or so."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for line in door.log().splitlines():
            if request_id in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.05)
    raise AssertionError(f"{request_id} is not in the log")
