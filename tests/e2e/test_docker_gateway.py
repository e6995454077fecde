"""The gateway and the issuer as containers: in the network as outside of it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.browser import browser_needed, every_page, page
from tests.e2e.compose_cli import outside
from tests.e2e.engine import Contained
from tests.e2e.test_docker import HOST
from tests.e2e.test_gateway import DOMAIN, ask, bearer, open_to_tokens_alone, until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker"), pytest.mark.slow]
CA_VARIABLES = ("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
FETCH = """
import json, os, sys, urllib.request
asked = urllib.request.Request(sys.argv[1], headers=json.loads(sys.argv[2]))
print(urllib.request.urlopen(asked, timeout=10).read().decode())
"""


@pytest.fixture
def door(contained: Contained) -> Iterator[Contained]:
    """A vector store in a container, a log-in page that the developer runs, and the front door."""
    mine = subprocess.Popen(
        [*outside(), sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True
    )
    try:
        assert mine.stdout is not None
        port = int(mine.stdout.readline())
        text = f"services: {{auth-ui: {{host_port: {port}}}}}\n"
        (contained.root / "alfred.yaml").write_text(text)
        contained.ok("up", "vector-db", "auth-ui", "gateway", "dashboard")
        yield contained
    finally:
        mine.kill()
        mine.communicate()


def inside(door: Contained, url: str, headers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Fetch ``url`` in another container, with what that was given to trust."""
    return door.run("exec", "vector-db", "python3", "-c", FETCH, url, json.dumps(headers))


def served(port: int) -> str:
    """The certificate that the gateway shows."""
    return ssl.get_server_certificate(("127.0.0.1", port))


def test_the_front_door_in_the_network(door: Contained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path.cwd())  # gone back to at the end
    port = door.port("gateway")
    token = bearer(door.ok("token", "--user", "ann"))
    gateway, issuer = door.inspect("gateway"), door.inspect("identity")
    for found in (gateway, issuer):
        host = found["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (True, ["ALL"], None)
        addresses = {b["HostIp"] for rows in host["PortBindings"].values() for b in rows}
        assert addresses <= {"127.0.0.1", "::1"}

    # From this machine: a service in a container, the developer's own process, our own page.
    assert ask(door, "api", "/vector/readyz", port=port).status_code == 401
    answer = ask(door, "api", "/vector/readyz", port=port, headers=token)
    assert answer.status_code == 200, answer.text
    assert ask(door, "auth", "/", port=port).text == "mine"
    assert "dashboard" in ask(door, "dashboard", "/", port=port).text.lower()
    keys = ask(door, "auth", "/.well-known/jwks.json", port=port).json()["keys"]
    assert len(keys) == 1

    # From another container: the same URL, by the bundle that every container gets.
    names = json.loads(door.ok("exec", "vector-db", "python3", "-c",
                               "import json, os; print(json.dumps(dict(os.environ)))"))  # fmt: skip
    assert {names[variable] for variable in CA_VARIABLES} == {"/etc/alfred/ca-bundle.pem"}
    url = f"https://api.{DOMAIN}:{port}/vector/readyz"
    fetched = inside(door, url, token)
    assert fetched.stdout.strip() == answer.text.strip(), fetched.stderr
    assert "401" in inside(door, url, {}).stderr
    assert inside(door, f"https://api.alfred.localhost:{port}/health", {}).returncode == 0
    statistics = inside(door, "http://gateway:9901/stats/prometheus", {}).stdout
    assert "envoy_cluster_upstream_rq_time_bucket" in statistics

    # What tunnels call is a socket of this user's, and believes one hop.
    sockets = door.root / ".alfred" / "run" / "gateway"
    assert {p.stat().st_mode & 0o777 for p in sockets.iterdir()} == {0o600}
    assert asked_by_socket(sockets / "tunnel.sock", {}) == 401
    assert asked_by_socket(sockets / "tunnel.sock", token) == 200


def test_changes_are_live_without_a_restart(door: Contained) -> None:
    port, before = door.port("gateway"), door.ids()

    def status(headers: dict[str, str]) -> int:
        return ask(door, "api", "/vector/readyz", port=port, headers=headers).status_code

    key = {"x-api-key": door.json("apikey", "create", "robot")["key"]}
    until(lambda: status(key) == 200)
    door.ok("apikey", "revoke", "robot")
    until(lambda: status(key) == 401)
    old = bearer(door.ok("token"))
    assert status(old) == 200
    door.ok("token", "rotate", "--forget")
    until(lambda: status(old) == 401)
    assert status(bearer(door.ok("token"))) == 200
    shown = served(port)
    door.ok("certs", "renew")
    until(lambda: served(port) != shown)
    # A container that was made anew has another address.
    door.engine.docker("rm", "--force", door.container("vector-db"))
    door.ok("up", "vector-db", "auth-ui", "gateway", "dashboard")
    until(lambda: status(bearer(door.ok("token"))) == 200)
    assert before[door.container("gateway")] == door.ids()[door.container("gateway")]


def asked_by_socket(path: Path, headers: dict[str, str]) -> int:
    """Ask the API as a tunnel's front does."""
    assert path.is_socket()
    os.chdir(path.parent)  # the system takes 107 bytes of a path
    transport = httpx.HTTPTransport(uds=path.name)
    said = {"Host": f"api.{DOMAIN}", "X-Forwarded-For": "203.0.113.7", **headers}
    with httpx.Client(transport=transport) as client:
        return client.get("http://gateway/vector/readyz", headers=said).status_code


def test_443_is_taken(contained: Contained) -> None:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(("127.0.0.1", 443))
        except OSError:
            pytest.skip("somebody has 443 already")
        held.listen()
        done = contained.run("up", "auth-ui", "gateway", "--slot", "0")
        if done.returncode == 3:
            pytest.skip("slot 0 is somebody else's")
        assert done.returncode == 0, done.stderr
        assert "gateway: port 8443 instead of 443 (it is taken)" in done.stderr
        assert ask(contained, "auth", "/", port=8443).status_code == 200


@browser_needed
def test_a_whole_stack_in_a_browser(contained: Contained, tmp_path: Path) -> None:
    contained.first("up")
    endpoints = contained.status("gateway")["endpoints"]
    https, http = (endpoint["port"] for endpoint in endpoints[:2])
    open_to_tokens_alone(contained, https)
    with page(contained, tmp_path) as opened:
        assert every_page(opened, tmp_path, https, http) == []
