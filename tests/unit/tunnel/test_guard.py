"""What is shown, and to whom: every denied entry, every way to write a path."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.errors import UsageError
from alfred_dev.tunnel import guard
from alfred_dev.tunnel.model import Guard
from tests.unit.tunnel.made import NOW, spec
from tests.worlds import catalog

SHOWN = {"ui-chat", "agent-core", "agent-rag", "agent-social", "agent-financial", "agent-legal"}
NEVER = sorted(set(catalog().entries) - SHOWN)


def test_the_chat_page_and_the_agents_can_be_shown() -> None:
    found = {name for name, service in catalog().entries.items() if service.tunnelable}
    assert found == SHOWN
    assert guard.find(catalog(), "api") is None
    for name, id_ in {"ui": "ui-chat", "alfred-core": "agent-core"}.items():
        service = guard.find(catalog(), name)
        assert service is not None
        assert service.id == id_


@pytest.mark.parametrize("name", [*NEVER, "postgres", "grafana", "mailhog", "admin", "auth"])
def test_everything_else_is_refused_under_each_of_its_names(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        guard.find(catalog(), name)
    assert (caught.value.code, caught.value.exit_code) == ("tunnel-refused", 2)


def test_a_name_that_is_none_gets_a_hint() -> None:
    with pytest.raises(UsageError) as caught:
        guard.find(catalog(), "agent-cor")
    assert caught.value.code == "unknown-service"
    assert "did you mean agent-core" in caught.value.cause


def refusal(path: str, shown: str = "") -> str:
    found = guard.path_refusal(path, Guard(path=shown))
    return found.code if found else ""


@pytest.mark.parametrize(
    "path",
    [
        "/admin", "/admin/", "/ADMIN", "/x/admin/y", "//admin", "/%61dmin", "/%2561dmin",
        "/x%2Fadmin", "/admin;v=1", "/_admin", "/admin.php", "/token", "/v1/tokens",
        "/oauth2/token", "/consent", "/oauth/authorize", "/metrics", "/x/%74oken", "/admin%20",
        "/-admin",
    ],
)  # fmt: skip
def test_token_consent_and_admin_paths_are_refused_however_they_are_written(path: str) -> None:
    assert refusal(path) in ("not-shown", "bad-path")


@pytest.mark.parametrize(
    "path", ["/x/../admin", "/%2e%2e/x", "/x/%252e%252e/y", "/a\\b", "/a%5cb", "/a%00", "/a%0ab",
             "/..;/x", "/%25252525252561"],
)  # fmt: skip
def test_paths_that_servers_read_differently_are_refused(path: str) -> None:
    assert refusal(path) == "bad-path"


@pytest.mark.parametrize("path", ["/", "/health", "/v1/tasks", "/a%20b", "/%C3%BC", "/ü"])
def test_other_paths_pass(path: str) -> None:
    assert refusal(path) == ""


def test_only_the_chosen_path_and_what_lies_below_it_passes() -> None:
    shown = "/webhooks/slack"
    assert [refusal(f"{shown}{rest}", shown) for rest in ("", "/", "/events")] == ["", "", ""]
    others = ("/", "/webhooks", "/webhooks/slackers", "/webhooks%2Fslack", "/webhooks/slack/../x")
    assert all(refusal(path, shown) for path in others)


@given(
    st.lists(st.sampled_from(["admin", "token", "x", "..", "%2e%2e", "%2f", "%25", ""]), max_size=6)
)
def test_no_spelling_of_a_denied_path_passes(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    if refusal(path) == "":
        assert "admin" not in parts
        assert "token" not in parts
        assert refusal(quote(path, safe="/%")) == ""


@pytest.mark.parametrize("path", ["/admin", "/webhooks/../admin", "x", "/x?y", "/%61", "/token/x"])
def test_a_path_that_is_never_shown_cannot_be_chosen(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        guard.check_path(path)
    assert caught.value.exit_code == 2


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def judged(headers: dict[str, str], client: str = "", now: float = NOW, **rules: Any) -> int:
    made = spec(guard=Guard(**rules))
    found = guard.judge("GET", "/x", headers, spec=made, client=client, now=now)
    return found.status if found else 200


def test_a_password_lets_in_whoever_knows_it() -> None:
    rules = guard.with_password("me", "right", "salt")
    assert judged(basic("me", "right"), **rules) == 200
    for headers in ({}, basic("me", "wrong"), basic("you", "right"),
                    {"authorization": "Basic !"}, {"authorization": "Bearer right"},
                    {"authorization": "Basic /w=="}):  # fmt: skip
        assert judged(headers, **rules) == 401
    assert "right" not in str(rules)


def test_a_network_lets_in_its_addresses() -> None:
    rules: dict[str, Any] = {"networks": guard.check_networks(["203.0.113.0/24", "2001:db8::/32"])}
    assert judged({}, "203.0.113.9", **rules) == 200
    assert judged({}, "2001:db8::1", **rules) == 200
    assert judged({}, "::ffff:203.0.113.9", **rules) == 200
    for client in ("", "198.51.100.1", "unknown", "203.0.113.9, 198.51.100.1"):
        assert judged({}, client, **rules) == 403
    with pytest.raises(UsageError):
        guard.check_networks(["203.0.113.0/240"])


def test_the_clients_own_words_about_its_address_are_not_believed() -> None:
    headers = [("x-forwarded-for", "203.0.113.9, 198.51.100.1")]
    assert guard.client_of(headers, trusted=True) == "198.51.100.1"
    assert (
        guard.client_of([*headers, ("x-forwarded-for", "192.0.2.1")], trusted=True) == "192.0.2.1"
    )
    assert guard.client_of(headers, trusted=False) == ""


def test_nothing_passes_when_the_time_is_over() -> None:
    assert judged({}, now=NOW + 7199) == 200
    assert judged({}, now=NOW + 7200) == 410


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("CONNECT", "x:1"),
        ("TRACE", "/"),
        ("GET", "http://x/"),
        ("GET", "*"),
        ("GET", "/metrics#x"),
        ("GET", "/x?y#z"),
    ],
)
def test_what_is_no_request_to_a_service_is_refused(method: str, target: str) -> None:
    found = guard.judge(method, target, {}, spec=spec(), client="", now=NOW)
    assert found is not None
    assert found.status == 400
