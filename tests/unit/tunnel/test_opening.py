"""What was typed -> what is opened, or refused before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alfred_dev.embedded import gateway
from alfred_dev.errors import AlfredError
from alfred_dev.render.gateway import listeners
from alfred_dev.tunnel import guard
from alfred_dev.tunnel.model import TunnelSpec
from alfred_dev.tunnel.opening import Chance, Place, Wish, record_of, seconds, spec_of
from alfred_dev.workspace import Workspace
from tests.unit.tunnel.made import NOW, record
from tests.worlds import plan

PLACE = Place(
    home="/p/.alfred", project="alfred-1", search="/bin", ssh_agent="", gateway="", has_token=True,
    now=NOW,
)  # fmt: skip
CHANCE = Chance(nonce="n", salt="s", password="right-password")


def opened(place: Place = PLACE, **typed: Any) -> TunnelSpec:
    settings = typed.pop("settings", {})
    taken = typed.pop("taken", {})
    wish = Wish(**{"service": "agent-core", **typed})
    return spec_of(wish, plan(**settings), place, CHANCE, taken)


def refusal(**typed: Any) -> AlfredError:
    with pytest.raises(AlfredError) as caught:
        opened(**typed)
    assert caught.value.exit_code == 2
    return caught.value


def test_protected_by_a_password_by_default() -> None:
    made = opened()
    assert (made.guard.protected_by, made.guard.user) == ("password", "alfred")
    assert made.guard.digest == guard.digest("alfred", "right-password", "s")
    assert "right-password" not in made.to_json()
    assert (made.upstream, made.host, made.expires_at) == (8011, "127.0.0.1:8011", NOW + 7200)
    assert record_of(made, NOW).protected_by == "password"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"basic_auth": "me"}, "password"),
        ({"networks": ("203.0.113.0/24",)}, "cidr"),
        ({"public": True}, "public"),
        ({"verify": "slack", "settings": {"SLACK_SIGNING_SECRET": "x"}}, "slack signature"),
        (
            {"verify": "github", "basic_auth": "me", "settings": {"GITHUB_WEBHOOK_SECRET": "x"}},
            "password + github signature",
        ),
    ],
)
def test_other_guards_must_be_typed(typed: dict[str, Any], words: str) -> None:
    assert opened(**typed).guard.protected_by == words


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"service": "db-postgres"}, "tunnel-refused"),
        ({"service": "api"}, "tunnel-refused"),
        ({"path": "/admin"}, "tunnel-refused"),
        ({"provider": "ssh", "ssh_host": "x", "networks": ("10.0.0.0/8",)}, "tunnel-refused"),
        ({"service": "nothing"}, "unknown-service"),
        ({"provider": "carrier-pigeon"}, "usage"),
        ({"public": True, "basic_auth": "me"}, "usage"),
        ({"networks": ("nonsense",)}, "usage"),
        ({"basic_auth": "me:secret"}, "usage"),
        ({"verify": "carrier"}, "usage"),
        ({"verify": "slack"}, "secret-missing"),
        ({"domain": "not a domain"}, "usage"),
        ({"lasts": "for ever"}, "usage"),
    ],
)
def test_refusals(typed: dict[str, Any], code: str) -> None:
    assert refusal(**typed).code == code


@pytest.mark.parametrize(
    ("text", "length"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("5", 300)]
)
def test_durations(text: str, length: int) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "0", "25h", "2d", "-1h", "1e3", "2 weeks", "99999999h"])
def test_no_duration_is_for_ever(text: str) -> None:
    with pytest.raises(AlfredError):
        seconds(text)


def test_the_provider_is_what_is_configured() -> None:
    assert opened().provider == "ngrok"
    assert opened(ssh_host="me@x").provider == "ssh"
    server = {"ALFRED_TUNNEL_SSH_HOST": "me@y"}
    assert opened(settings=server).provider == "ngrok"
    found = opened(replace(PLACE, has_token=False), settings=server)
    assert (found.provider, found.ssh_host, found.trusts_client) == ("ssh", "me@y", False)
    assert opened(provider="ngrok", settings=server).ssh_host == ""


def test_with_a_gateway_its_names_are_called_and_the_api_is_shown_by_its_own_rules() -> None:
    place = replace(PLACE, gateway="run/gateway/tunnel.sock")
    domain = plan().domain
    assert opened(place).host == f"agent-core.{domain}"
    assert opened(place, service="ui").host == f"ui.{domain}"
    api = opened(place, service="api")
    assert (api.name, api.host, api.guard.protected_by) == ("api", f"api.{domain}", "gateway")
    assert (api.upstream, api.socket) == (0, "run/gateway/tunnel.sock")
    assert opened(place, service="api", public=True).guard.protected_by == "gateway"


def test_a_second_tunnel_of_a_service_gets_a_name_of_its_own() -> None:
    assert opened(taken={"agent-core": record()}).name == "agent-core-2"


def test_a_domain_is_taken_with_or_without_its_scheme() -> None:
    assert opened(domain="https://Hooks.Example.com/").domain == "hooks.example.com"


def test_tunnels_knock_where_the_gateway_listens() -> None:
    place = Workspace(Path("/x"))
    assert str(place.tunnel_door.relative_to(place.home)) in gateway.SOCKETS
    assert place.tunnel_door.name == listeners.TUNNEL_SOCKET
