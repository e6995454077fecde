"""``tunnel`` as a user types it: by a real ssh to a real sshd, and by the fake ngrok agent."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import sshd
from tests.e2e.checkout import Checkout, listening
from tests.fakes import install
from tests.sshd import Sshd

TOKEN = "2secret_tok_en"
SLACK = "slack-signing-secret"
SERVICE_PORT = 9911
# Whole at once: the test reads it as soon as it is there.
HOOK = """
import json, os, sys
with open("hook.part", "w") as file:
    json.dump([json.load(sys.stdin), os.environ["ALFRED_PUBLIC_URL"]], file)
os.rename("hook.part", "hook.json")
"""
# agent-core, run by the developer: answers health, and keeps what it is asked.
SERVICE = f"""
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        said = {{"path": self.path, "body": body.decode(), "headers": dict(self.headers)}}
        self.wfile.write(json.dumps(said).encode())
    do_GET = do_POST = answer
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", {SERVICE_PORT}), Handler).serve_forever()
"""


@dataclass
class World:
    """A checkout whose agent-core the developer runs, and a server to tunnel to."""

    checkout: Checkout
    server: Sshd
    opened: list[subprocess.Popen[str]] = field(default_factory=list)

    def open(self, *options: str, **environment: str) -> tuple[subprocess.Popen[str], Any]:
        """Open one in the foreground; return its process and its document."""
        ssh = [] if "--provider" in options else ["--ssh-host", self.server.host]
        process = self.checkout.popen(
            "tunnel", "agent-core", *ssh, *options, "--json", **environment
        )
        self.opened.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        return process, json.loads(line)


@pytest.fixture
def world(tmp_path: Path, own_ports: None) -> Iterator[World]:
    service = subprocess.Popen([sys.executable, "-c", SERVICE])
    with sshd.running(tmp_path / "sshd") as server:
        ngrok = install.ngrok(tmp_path / "ngrok")
        path = os.pathsep.join([str(ngrok.folder / "bin"), server.path])
        checkout = Checkout.make(tmp_path / "project", PATH=path)
        (checkout.root / "alfred.yaml").write_text(
            f"services: {{agent-core: {{host_port: {SERVICE_PORT}}}}}\n"
        )
        (checkout.root / ".env").write_text(f"SLACK_SIGNING_SECRET={SLACK}\n")
        (checkout.root / ".env").chmod(0o600)
        wait_for(lambda: SERVICE_PORT in listening())
        found = World(checkout, server)
        yield found
        for process in found.opened:
            process.kill()
            process.communicate()
        checkout.run("down")
        assert checkout.pids() == []
    service.kill()
    service.wait()


def wait_for(condition: Any, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def ask(
    url: str,
    *,
    login: str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    if login:
        request.add_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def nothing_left(checkout: Checkout, before: set[int]) -> bool:
    rest = set(listening()) - before
    running = [p for p in checkout.pids() if b"tunnel" in command(p) or b"ssh" in command(p)]
    return not rest and not running


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_password_lets_in_and_ctrl_c_ends_it(world: World) -> None:
    before = set(listening())
    process, opened = world.open()
    assert (opened["protected_by"], opened["user"]) == ("password", "alfred")
    assert ask(opened["url"])[0] == 401
    status, seen = ask(opened["url"] + "/x?y=1", login=f"alfred:{opened['password']}")
    assert (status, seen["path"]) == (200, "/x?y=1")
    assert "Authorization" not in seen["headers"]
    [row] = world.checkout.json("tunnel", "list")["tunnels"]
    assert (row["service"], row["provider"], row["healthy"]) == ("agent-core", "ssh", True)
    assert opened["password"] not in json.dumps(row)
    assert world.checkout.json("tunnel", "test")["tunnels"][0]["healthy"]
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert wait_for(lambda: nothing_left(world.checkout, before))
    assert world.checkout.json("tunnel", "list")["tunnels"] == []


def test_kill_9_of_the_command_leaves_nothing(world: World) -> None:
    before = set(listening())
    process, opened = world.open("--public")
    assert ask(opened["url"])[0] == 200
    process.kill()
    assert wait_for(lambda: nothing_left(world.checkout, before), 5.0)


def test_a_signed_webhook_passes_and_others_do_not(world: World) -> None:
    process, opened = world.open("--verify", "slack", "--path", "/webhooks/slack")
    body = b'{"type": "event_callback"}'
    signed = signature(body)
    status, seen = ask(opened["url"], body=body, headers=signed)
    assert (status, seen["path"], seen["body"]) == (200, "/webhooks/slack", body.decode())
    assert ask(opened["url"], body=body)[0] == 401
    assert ask(opened["url"], body=body + b" ", headers=signed)[0] == 401
    elsewhere = opened["url"].replace("/webhooks/slack", "/v1/tasks")
    assert ask(elsewhere, body=body, headers=signed)[0] == 404
    assert SLACK not in json.dumps(opened)
    assert SLACK.encode() not in command(process.pid)


@pytest.mark.parametrize("name", ["db-postgres", "grafana"])
def test_the_database_cannot_be_opened_by_mistake(world: World, name: str) -> None:
    before = set(listening())
    error = world.checkout.json("tunnel", name, "--public", exit_code=2)["error"]
    assert error["code"] == "tunnel-refused"
    assert set(listening()) == before
    assert not (world.checkout.root / ".alfred" / "tunnels.json").exists()


def test_left_to_the_supervisor_it_stays_and_ends_with_down(world: World) -> None:
    before = set(listening())
    opened = world.checkout.json("tunnel", "agent-core", "--ssh-host", world.server.host, "-d")
    status = world.checkout.json("status")
    assert [t["name"] for t in status["tunnels"]] == ["agent-core"]
    helper = next(s for s in status["services"] if s["id"] == "tunnel-agent-core")
    assert (helper["kind"], helper["health"]) == ("helper", "healthy")
    os.kill(helper["pid"], signal.SIGKILL)  # the supervisor starts it again, under the same URL
    login = f"alfred:{opened['password']}"
    assert wait_for(lambda: _well(opened["url"], login), 15)
    values = world.checkout.json("env")["variables"]
    assert values["ALFRED_PUBLIC_URL"] == values["ALFRED_PUBLIC_URL_AGENT_CORE"] == opened["url"]
    world.checkout.ok("down")
    assert wait_for(lambda: nothing_left(world.checkout, before))


def _well(url: str, login: str) -> bool:
    try:
        return ask(url, login=login)[0] == 200
    except OSError:
        return False


@pytest.mark.slow
def test_close_ends_one_of_the_supervisors(world: World) -> None:
    before = set(listening())
    ssh = ("--ssh-host", world.server.host)
    world.checkout.json("tunnel", "agent-core", *ssh, "-d", "--for", "5m")
    assert world.checkout.json("tunnel", "close", "nothing", exit_code=2)["error"]["code"] == (
        "unknown-tunnel"
    )
    assert world.checkout.json("tunnel", "close")["closed"] == ["agent-core"]
    assert wait_for(lambda: nothing_left(world.checkout, before))
    time.sleep(1.5)  # the supervisor does not start it again
    assert nothing_left(world.checkout, before)
    assert world.checkout.json("tunnel", "close", "--all")["closed"] == []


def test_its_time_is_over(world: World) -> None:
    before = set(listening())
    process, _ = world.open("--for", "2s")
    assert process.wait(15) == 0
    assert wait_for(lambda: nothing_left(world.checkout, before))


def test_by_ngrok_the_token_is_nowhere(world: World) -> None:
    home = world.checkout.root / ".alfred"
    opened = world.checkout.json(
        "tunnel", "agent-core", "--provider", "ngrok", "-d", variables={"NGROK_AUTHTOKEN": TOKEN}
    )
    login = f"alfred:{opened['password']}"
    status, seen = ask(opened["url"], login=login, headers={"X-Forwarded-For": "6.6.6.6"})
    assert (status, seen["headers"]["X-Forwarded-For"]) == (200, "203.0.113.9")
    everybody = subprocess.run(["ps", "auxeww"], capture_output=True, text=True).stdout
    assert TOKEN not in everybody
    for path in [p for p in home.rglob("*") if p.is_file()]:
        assert TOKEN.encode() not in path.read_bytes(), path
    assert stat.S_IMODE((home / "tunnels.json").stat().st_mode) == 0o600
    assert opened["password"].encode() not in (home / "tunnels.json").read_bytes()
    # A second one, by path or not, has the same agent.
    world.checkout.json("tunnel", "agent-core", "--provider", "ngrok", "-d", "--public")
    rows = world.checkout.json("tunnel", "list")["tunnels"]
    assert [row["name"] for row in rows] == ["agent-core", "agent-core-2"]
    world.checkout.ok("tunnel", "close", "--all")
    assert wait_for(lambda: not any(b"ngrok" in command(p) for p in world.checkout.pids()))


def test_an_error_of_the_provider_is_exit_5_and_leaves_nothing(world: World) -> None:
    before = set(listening())
    (world.server.folder / "known").write_text("")
    options = ("tunnel", "agent-core", "--ssh-host", world.server.host)
    assert world.checkout.json(*options, exit_code=5)["error"]["code"] == "tunnel-host-key"
    done = world.checkout.run(*options)
    assert done.returncode == 5
    assert "fix: ssh " in done.stderr
    assert done.stdout == ""
    error = world.checkout.json("tunnel", "agent-core", "--provider", "ngrok", exit_code=5)
    assert error["error"]["code"] == "tunnel-no-token"
    assert wait_for(lambda: nothing_left(world.checkout, before))
    assert world.checkout.json("tunnel", "list")["tunnels"] == []


def test_a_service_that_is_down_is_not_shown(world: World) -> None:
    error = world.checkout.json("tunnel", "ui", "--ssh-host", world.server.host, exit_code=5)[
        "error"
    ]
    assert error["code"] == "tunnel-upstream-down"
    assert error["fix"] == ["alfred-dev up ui-chat"]


def test_the_hook_runs_when_it_was_allowed_and_gets_the_url(world: World) -> None:
    root = world.checkout.root
    script = root / "hook.py"
    script.write_text(HOOK)
    with (root / "alfred.yaml").open("a") as file:
        file.write(f"tunnels: {{on_open: '{sys.executable} hook.py'}}\n")
    process, _ = world.open("--for", "1m")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "was not allowed" in process.stderr.read()
    process.wait(10)
    assert not (root / "hook.json").exists()
    _, opened = world.open("--path", "/hooks", "--yes")
    assert wait_for((root / "hook.json").exists)
    document, url = json.loads((root / "hook.json").read_text())
    assert (document["url"], document["service"]) == (opened["url"], "agent-core")
    assert document["url"] == f"{url}/hooks"
    assert opened["password"] not in json.dumps(document)


@pytest.mark.slow
def test_behind_the_gateway_its_rules_hold_and_it_is_told_who_calls(world: World) -> None:
    checkout = world.checkout
    checkout.ok("up", "gateway")
    if not (checkout.root / ".alfred" / "run" / "gateway" / "tunnel.sock").exists():
        pytest.skip("no gateway for this machine")
    _, opened = world.open("--verify", "slack", "--path", "/hooks")
    body = b"{}"
    status, seen = ask(opened["url"], body=body, headers=signature(body))
    assert status == 200
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    assert "x-request-id" in headers  # of the gateway
    assert "x-alfred-gateway" not in headers  # nobody vouches for the caller
    assert ask(opened["url"], body=body)[0] == 401
    api = checkout.json("tunnel", "api", "--ssh-host", world.server.host, "-d")
    assert api["protected_by"] == "gateway"
    path = f"{api['url']}/agents/core/x"
    assert ask(path)[0] == 401
    token = checkout.json("token")["token"]
    assert ask(path, headers={"Authorization": f"Bearer {token}"})[0] == 200
    assert ask(f"{api['url']}/oauth/token")[1]["error"]["code"] == "not-shown"
    _, ngrok = world.open("--provider", "ngrok", "--public", NGROK_AUTHTOKEN=TOKEN)
    assert ask(ngrok["url"] + "/who", headers={"X-Forwarded-For": "6.6.6.6"})[0] == 200
    log = checkout.root / ".alfred" / "logs" / "gateway.log"
    assert wait_for(lambda: '"path":"/who"' in log.read_text())
    line = next(line for line in log.read_text().splitlines() if '"path":"/who"' in line)
    assert '"client":"203.0.113.9"' in line


def signature(body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    digest = hmac.new(SLACK.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


@pytest.mark.slow
def test_twenty_of_twenty_kills_leave_nothing(world: World) -> None:
    before = set(listening())
    for number in range(20):
        process, opened = world.open("--public")
        target = process.pid
        if number % 2:  # the process behind it, not the command
            [row] = world.checkout.json("tunnel", "list")["tunnels"]
            target = row["pid"]
        os.kill(target, signal.SIGKILL)
        assert wait_for(lambda: nothing_left(world.checkout, before), 5.0), number
        process.communicate()
        assert opened["url"]
