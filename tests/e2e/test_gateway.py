"""The front door of a whole stack: in a browser, by token, and what no page may do."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.browser import authority, browser_needed, every_page, page
from tests.e2e.checkout import Checkout

DOMAIN = "dev.alfred-platform.example.com"
AGENTS = ("core", "rag", "social", "financial", "legal")


def ask(
    checkout: Checkout, label: str, path: str, *, port: int = 443, **options: Any
) -> httpx.Response:
    """Ask a host through the gateway with only our CA trusted; nothing is resolved."""
    name = f"{label}.{DOMAIN}"
    trusted = ssl.create_default_context(cafile=str(authority(checkout)))
    headers = {"Host": name, **options.pop("headers", {})}
    with httpx.Client(verify=trusted, trust_env=False, timeout=10) as client:
        return client.request(
            options.pop("method", "GET"),
            f"https://127.0.0.1:{port}{path}",
            headers=headers,
            extensions={"sni_hostname": name},
            **options,
        )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.strip()}"}


def test_a_token_opens_every_agent_and_without_one_nothing_is_open(whole: Checkout) -> None:
    open_to_tokens_alone(whole)


def open_to_tokens_alone(stack: Checkout, port: int = 443) -> None:
    """Ask every part of the API, with a token and without."""
    token = bearer(stack.ok("token", "--user", "ann"))
    for agent in AGENTS:
        path = f"/agents/{agent}/whoami"
        assert ask(stack, "api", path, port=port).status_code == 401
        said = ask(stack, "api", path, port=port, headers=token)
        assert said.status_code == 200
        assert said.json() == {
            "verified": True, "user": "ann", "role": "user", "scope": "api", "client": "",
        }  # fmt: skip
    for path in ("/models/registry/ready", "/models/router/ready", "/vector/readyz"):
        assert ask(stack, "api", path, port=port).status_code == 401
        assert ask(stack, "api", path, port=port, headers=token).status_code == 200


def test_a_service_believes_nobody_who_comes_past_the_gateway(whole: Checkout) -> None:
    lies = {"x-user": "root", "x-role": "admin", "x-alfred-gateway": "guess"}
    said = httpx.get("http://127.0.0.1:8011/whoami", headers=lies, trust_env=False).json()
    assert said == {"verified": False, "user": "", "role": "", "scope": "", "client": ""}


def test_a_token_says_what_was_asked_for(whole: Checkout) -> None:
    document = whole.json("token", "--role", "admin", "--scope", "api tasks", "--ttl", "60")
    assert document["schema"] == "alfred-dev/token/v1"
    claims = document["claims"]
    assert (claims["role"], claims["scope"], claims["aud"]) == ("admin", "api tasks", "alfred-api")
    assert claims["exp"] - claims["iat"] == 60
    assert claims["iss"] == f"https://auth.{DOMAIN}"
    error = whole.json("token", "--ttl", "86400", exit_code=2)
    assert error["error"]["code"] == "token-refused"


def test_keys_of_programs_open_the_api_until_they_are_revoked(whole: Checkout) -> None:
    made = whole.json("apikey", "create", "robot", "--role", "admin")
    key = {"x-api-key": made["key"]}

    def status() -> int:
        return ask(whole, "api", "/agents/core/whoami", headers=key).status_code

    until(lambda: status() == 200)
    said = ask(whole, "api", "/agents/core/whoami", headers=key).json()
    assert (said["client"], said["role"], said["verified"]) == ("robot", "admin", True)
    listed = whole.json("apikey", "list")["clients"]
    assert listed == [{"name": "robot", "role": "admin"}]
    assert whole.json("apikey", "create", "robot", exit_code=2)["error"]["code"] == "apikey-refused"
    grant = {"grant_type": "client_credentials", "client_id": "robot", "scope": "api"}
    wrong = ask(whole, "auth", "/oauth/token", method="POST", data={**grant, "client_secret": "x"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    right = {**grant, "client_secret": made["key"]}
    given = ask(whole, "auth", "/oauth/token", method="POST", data=right).json()
    by_token = ask(whole, "api", "/agents/core/whoami", headers=bearer(given["access_token"]))
    assert (by_token.json()["user"], by_token.json()["role"]) == ("robot", "admin")
    whole.ok("apikey", "revoke", "robot")
    until(lambda: status() == 401)
    again = ask(whole, "auth", "/oauth/token", method="POST", data=right)
    assert again.status_code == 401


def test_discovery_leads_to_the_keys_that_have_signed(whole: Checkout) -> None:
    import jwt

    found = ask(whole, "auth", "/.well-known/openid-configuration").json()
    assert found["issuer"] == f"https://auth.{DOMAIN}"
    assert found["jwks_uri"] == f"https://auth.{DOMAIN}/.well-known/jwks.json"
    keys = jwt.PyJWKSet.from_dict(ask(whole, "auth", "/.well-known/jwks.json").json())
    token = whole.ok("token").strip()
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(
        token, keys[kid].key, algorithms=["ES256"], audience="alfred-api", issuer=found["issuer"]
    )
    assert claims["sub"] == "developer"


def test_tokens_outlive_a_rotation_unless_they_are_to_be_forgotten(whole: Checkout) -> None:
    old = bearer(whole.ok("token"))

    def status(headers: dict[str, str]) -> int:
        return ask(whole, "api", "/agents/core/ready", headers=headers).status_code

    whole.ok("token", "rotate")
    new = bearer(whole.ok("token"))
    until(lambda: status(new) == 200)
    assert status(old) == 200
    whole.ok("token", "rotate", "--forget")
    until(lambda: status(old) == 401)
    assert status(new) == 401
    newest = bearer(whole.ok("token"))
    until(lambda: status(newest) == 200)


def test_another_checkouts_tokens_are_refused(whole: Checkout) -> None:
    other = Checkout.make(whole.root.parent / "other")
    token = other.ok("token")
    assert ask(whole, "api", "/agents/core/ready", headers=bearer(token)).status_code == 401


def test_no_secret_is_in_a_log_a_process_list_or_an_open_file(whole: Checkout) -> None:
    made = whole.json("apikey", "create", "leak")
    secrets = [made["key"], whole.secrets["ALFRED_GATEWAY_SECRET"], whole.ok("token").strip()]
    until(lambda: ask(
        whole, "api", "/agents/core/ready", headers={"x-api-key": made["key"]}
    ).status_code == 200)  # fmt: skip
    ask(whole, "api", f"/agents/core/ready?token={secrets[2]}", headers=bearer(secrets[2]))
    logs = whole.root / ".alfred" / "logs"
    until(lambda: "/agents/core/ready" in (logs / "gateway.log").read_text())
    commands = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout
    texts = [path.read_text(errors="replace") for path in logs.glob("*.log")]
    for secret in secrets:
        assert not any(secret in text for text in (*texts, commands))
    for path in (*(whole.root / ".alfred").rglob("*"), *whole.root.glob("*")):
        if path.is_file() and any(s.encode() in path.read_bytes() for s in secrets):
            assert path.stat().st_mode & 0o077 == 0, path
    whole.ok("apikey", "revoke", "leak")


def test_helpers_are_shown_and_not_counted(whole: Checkout) -> None:
    document = whole.json("status")
    kinds = {s["id"]: s["kind"] for s in document["services"]}
    assert {name for name, kind in kinds.items() if kind == "helper"} >= {"gateway", "identity"}
    assert "17 of 17 services healthy" in whole.ok("status")
    assert len(whole.json("ports")["ports"]) == 19


@pytest.mark.slow
@browser_needed
def test_the_pages_open_in_a_browser_without_a_warning(whole: Checkout, tmp_path: Path) -> None:
    with page(whole, tmp_path) as opened:
        assert every_page(opened, tmp_path) == []


EVIL = """async (ports) => {
  const found = [];
  for (const port of ports) {
    for (const scheme of ['http', 'https']) {
      for (const host of ['127.0.0.1', 'ui.%(domain)s', 'auth.%(domain)s', 'api.%(domain)s']) {
        const base = `${scheme}://${host}:${port}`;
        await Promise.all([
          ['/', {}], ['/health', {}], ['/stats/prometheus', {}], ['/.well-known/jwks.json', {}],
          ['/oauth/token', {method: 'POST', body: 'grant_type=client_credentials'}],
          ['/v1/tasks', {method: 'POST', body: '{"title": "stolen"}'}],
        ].map(async ([path, init]) => {
          try {
            const answer = await fetch(base + path, {...init, signal: AbortSignal.timeout(1000)});
            found.push(`${base}${path} ${answer.status} ${(await answer.text()).slice(0, 80)}`);
          } catch (error) { /* not to be read */ }
        }));
      }
    }
    await new Promise((done) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/chat`);
      socket.onopen = () => { found.push(`ws ${port}`); socket.close(); };
      socket.onerror = socket.onclose = () => done();
      setTimeout(done, 500);
    });
  }
  return found;
}"""


@pytest.mark.slow
@browser_needed
def test_a_page_of_another_site_gets_nothing_from_any_port_of_ours(
    whole: Checkout, tmp_path: Path
) -> None:
    before = httpx.get("http://127.0.0.1:8011/v1/tasks", trust_env=False).json()
    endpoints = [e for s in whole.json("status")["services"] for e in s["endpoints"]]
    real = {s["id"] for s in whole.json("status")["services"] if s["from"] == "binary"}
    assert real <= {"monitoring-metrics", "pubsub-emulator"}
    ports = [e["port"] for e in endpoints if e["port"] not in (9090, 8085)]
    with evil_site() as site, page(whole, tmp_path) as opened:
        opened.goto(f"http://evil.example:{site}/")
        readable = opened.evaluate(EVIL % {"domain": DOMAIN}, ports)
    assert readable == []
    assert httpx.get("http://127.0.0.1:8011/v1/tasks", trust_env=False).json() == before


@contextlib.contextmanager
def evil_site() -> Iterator[int]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title>")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def until(true: Any, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
