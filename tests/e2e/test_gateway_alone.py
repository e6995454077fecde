"""The gateway where something is in its way: ports taken, killed, changed while it runs."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from alfred_dev.host import processes
from tests.e2e.checkout import Checkout
from tests.e2e.test_gateway import DOMAIN, ask, bearer, until


def test_a_port_that_is_taken_moves_the_gateway_and_holds_nothing_up(checkout: Checkout) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening_on(443))
        done = checkout.run("up", "auth-ui", "gateway")
        assert done.returncode == 0, done.stderr
        assert "gateway: port 8443 instead of 443 (it is taken)" in done.stderr
        found = ask(checkout, "auth", "/health", port=8443)
        assert found.status_code == 200
        redirect = httpx.get(
            "http://127.0.0.1:80/x", headers={"Host": f"ui.{DOMAIN}"}, trust_env=False
        )
        assert redirect.headers["location"] == f"https://ui.{DOMAIN}:8443/x"
        document = json.loads(checkout.ok("token", "--json"))
        assert document["claims"]["iss"] == f"https://auth.{DOMAIN}:8443"
    # What runs stays where it is, also when the port is free again.
    assert "gateway: port" in checkout.run("up", "auth-ui", "gateway").stderr
    assert ask(checkout, "auth", "/health", port=8443).status_code == 200


def test_without_any_port_for_the_gateway_the_rest_starts(checkout: Checkout) -> None:
    with listening_on(443), listening_on(8443):
        done = checkout.run("up", "auth-ui", "gateway")
    assert done.returncode == 0, done.stderr
    assert "gateway is left out: 8443" in done.stderr
    assert checkout.status("auth-ui")["health"] == "healthy"


@pytest.mark.slow
def test_a_killed_gateway_comes_back(checkout: Checkout) -> None:
    checkout.ok("up", "auth-ui", "gateway")
    pid = checkout.status("gateway")["pid"]
    processes.kill_tree(pid, str(processes.identity(pid)), grace_s=0)
    until(lambda: ask_quietly(checkout) == 200)
    assert checkout.status("gateway")["restarts"] >= 1


def test_a_changed_version_is_live_after_up_without_a_restart(checkout: Checkout) -> None:
    checkout.ok("up", "auth-ui", "gateway")
    pid = checkout.status("gateway")["pid"]
    text = "versions: {agent-core: {'2': auth-ui}}\n"
    (checkout.root / "alfred.yaml").write_text(text)
    checkout.ok("up", "auth-ui", "gateway")
    token = bearer(checkout.ok("token"))
    headers = {**token, "x-api-version": "2"}
    until(lambda: ask(checkout, "api", "/agents/core/health", headers=headers).status_code == 200)
    unknown = ask(checkout, "api", "/agents/core/health", headers={**token, "x-api-version": "3"})
    assert unknown.status_code == 400
    assert checkout.status("gateway")["pid"] == pid


def ask_quietly(checkout: Checkout) -> int:
    try:
        return ask(checkout, "auth", "/health").status_code
    except httpx.HTTPError:
        return 0


@contextlib.contextmanager
def listening_on(port: int) -> Iterator[None]:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.listen()
        yield
