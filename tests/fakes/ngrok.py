"""A stand-in for the ngrok agent, version 3, by its public documentation.

Started as pyngrok starts it (``ngrok start --none --log stdout --config FILE``). Prints what the
agent prints, serves its API on ``web_addr``, and plays ngrok's edge too: the public URL of a
tunnel is a port of loopback. How it behaves stands in the JSON file that FAKE_NGROK names:

    {"mode": "ok", "journal": "/path"}   see MODES
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

CLIENT = "203.0.113.9"
DOCS = "https://ngrok.com/docs"
# What the service says when it refuses a session, in its own words.
REFUSALS = {
    "105": "authentication failed: The authtoken you specified does not look like a proper ngrok "
    "tunnel authtoken.\nYour authtoken: {token}\nInstructions to install your authtoken are on "
    "your ngrok dashboard:\nhttps://dashboard.ngrok.com/get-started/your-authtoken",
    "107": "authentication failed: The authtoken you specified is properly formed, but it is "
    "invalid.\nYour authtoken: {token}\nThis usually happens when:\n    - You reset your authtoken",
    "108": "authentication failed: Your account is limited to 1 simultaneous ngrok agent "
    "sessions.\nYou can run multiple simultaneous tunnels from a single agent session",
    "120": "authentication failed: Your ngrok-agent version \"2.3.40\" is no longer supported",
    "121": "authentication failed: Your ngrok-agent version \"3.1.0\" is too old. The minimum "
    "supported agent version for your account is \"3.7.0\".",
    "4018": "authentication failed: Usage of ngrok requires a verified account and authtoken.",
}  # fmt: skip
ONLINE = (
    "failed to start tunnel: The endpoint '{url}' is already online. Either\n1. stop your "
    "existing endpoint first, or\n2. start both endpoints with `--pooling-enabled` to load "
    "balance between them.\r\n\r\nERR_NGROK_334\r\n"
)
EDGE_ERRORS = {
    "8012": "Traffic was successfully tunneled to the ngrok agent, but the agent failed to "
    "establish a connection to the upstream web service",
    "3004": "ngrok gateway error: The server returned an invalid or incomplete HTTP response",
}


def log(level: str, message: str, **more: str) -> None:
    """Print one line of the agent's log."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime())
    fields = "".join(f" {key}={_quoted(value)}" for key, value in more.items())
    sys.stdout.write(f"t={stamp} lvl={level} msg={_quoted(message)}{fields}\n")
    sys.stdout.flush()


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    plain = plain.replace("\r", "\\r").replace("\n", "\\n")
    return f'"{plain}"' if any(c in text for c in ' ="\n') else plain


class Agent:
    """The agent with its tunnels."""

    def __init__(self, behaviour: dict[str, Any], config: dict[str, Any]) -> None:
        self.mode = str(behaviour.get("mode", "ok"))
        self.domain_port = int(behaviour.get("domain_port", 0))
        self.token = str(config.get("authtoken") or "")
        self.address = str(config.get("web_addr") or "127.0.0.1:4040")
        self.tunnels: dict[str, dict[str, Any]] = {}
        self.edges: dict[str, socket.socket] = {}

    def open(self, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.mode == "334" or (self.mode == "one-domain" and self.tunnels):
            url = next((t["public_url"] for t in self.tunnels.values()), "https://taken.ngrok.app")
            return 502, _failed(ONLINE.format(url=url))
        if self.mode == "changed":
            return 201, {"endpoint": {"address": "https://new.ngrok.app"}}
        edge = socket.create_server(("127.0.0.1", self.domain_port))
        port = edge.getsockname()[1]
        name, upstream = wanted["name"], str(wanted["addr"]).rpartition(":")[2]
        threading.Thread(target=self.edge, args=(edge, int(upstream)), daemon=True).start()
        self.edges[name] = edge
        self.tunnels[name] = {
            "name": name,
            "ID": f"id-{name}",
            "uri": f"/api/tunnels/{name}",
            "public_url": f"http://127.0.0.1:{port}",
            "proto": "http",
            "config": {"addr": wanted["addr"], "inspect": wanted.get("inspect", True)},
            "metrics": {"conns": {"count": 0}, "http": {"count": 0}},
        }
        return 201, self.tunnels[name]

    def close(self, name: str) -> int:
        if self.tunnels.pop(name, None) is None:
            return 404
        edge = self.edges.pop(name)
        with contextlib.suppress(OSError):
            edge.shutdown(socket.SHUT_RDWR)
        edge.close()
        return 204

    def edge(self, listener: socket.socket, upstream: int) -> None:
        """Be ngrok's edge: one request a connection gets to know its client's address."""
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(caller, upstream), daemon=True).start()

    def carry(self, caller: socket.socket, upstream: int) -> None:
        with caller:
            head, sep, rest = _head(caller).partition(b"\r\n\r\n")
            if not sep:
                return None
            if self.mode in EDGE_ERRORS:
                return _edge_error(caller, self.mode)
            kept = [n for n in head.split(b"\r\n") if not n.lower().startswith(b"x-forwarded-")]
            forged = [n for n in head.split(b"\r\n") if n.lower().startswith(b"x-forwarded-for:")]
            said = forged[0].partition(b":")[2].strip() + b", " if forged else b""
            kept += [b"X-Forwarded-For: " + said + CLIENT.encode(), b"X-Forwarded-Proto: https"]
            try:
                service = socket.create_connection(("127.0.0.1", upstream), 3)
            except OSError:
                return _edge_error(caller, "8012")
            with service:
                service.sendall(b"\r\n".join(kept) + sep + rest)
                other = threading.Thread(target=_pipe, args=(caller, service), daemon=True)
                other.start()
                _pipe(service, caller)
        return None


def _edge_error(caller: socket.socket, code: str) -> None:
    body = f"{EDGE_ERRORS[code]}\r\n\r\nERR_NGROK_{code}".encode()
    caller.sendall(
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        + f"ngrok-error-code: ERR_NGROK_{code}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def _head(caller: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and (more := caller.recv(65536)):
        data += more
    return data


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _failed(words: str) -> dict[str, Any]:
    return {
        "error_code": 103,
        "status_code": 502,
        "msg": "failed to start tunnel",
        "details": {"err": words},
    }


class Api(BaseHTTPRequestHandler):
    """The agent's API."""

    protocol_version = "HTTP/1.1"
    agent: Agent

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, document: dict[str, Any] | None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        tunnels, name = self.agent.tunnels, self.path.rpartition("/")[2]
        if self.path in ("/api/tunnels", "/api/endpoints"):
            key = self.path.removeprefix("/api/")
            self.answer(200, {key: list(tunnels.values()), "uri": self.path})
        elif self.path.startswith("/api/tunnels/") and name in tunnels:
            self.answer(200, tunnels[name])
        elif self.path == "/api/status":
            self.answer(200, {"status": "online", "agent_version": "3.20.0", "uri": self.path})
        else:
            self.answer(404, {"error_code": 100, "status_code": 404, "msg": "not found"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.answer(*self.agent.open(json.loads(self.rfile.read(length))))

    def do_DELETE(self) -> None:
        status = self.agent.close(self.path.rpartition("/")[2])
        self.answer(status, None if status == 204 else {"error_code": 100, "msg": "not found"})


def refuse(code: str, token: str) -> int:
    words = REFUSALS[code].format(token=token) + f"\r\n\r\nERR_NGROK_{code}\r\n"
    log("eror", "session closed, starting reconnect loop", obj="tunnels.session", err=words)
    log("crit", "command failed", err=words)
    sys.stderr.write("".join(f"ERROR:  {line}\n" for line in words.splitlines()))
    return 1


def lose_network() -> None:
    words = 'failed to dial ngrok server with address "connect.ngrok-agent.com:443": dial tcp: lookup connect.ngrok-agent.com: no such host'  # noqa: E501
    while True:
        log("eror", "failed to reconnect session", obj="tunnels.session", err=words)
        time.sleep(0.5)


def main(argv: list[str]) -> int:
    behaviour = json.loads(Path(os.environ["FAKE_NGROK"]).read_text())
    config = yaml.safe_load(Path(argv[argv.index("--config") + 1]).read_text()) or {}
    agent = Agent(behaviour, config)
    if journal := behaviour.get("journal"):
        seen = {"argv": argv, "environ": dict(os.environ), "config": config, "pid": os.getpid()}
        Path(journal).write_text(json.dumps(seen))
    if agent.mode == "silent":
        time.sleep(600)
    log("info", "open config file", path=argv[argv.index("--config") + 1], err="nil")
    host, _, port = agent.address.rpartition(":")
    api = type("OurApi", (Api,), {"agent": agent})
    server = ThreadingHTTPServer((host, int(port)), api)
    server.daemon_threads = True
    log("info", "starting web service", obj="web", addr=agent.address, allow_hosts="[]")
    if not agent.token:
        return refuse("4018", "")
    if agent.mode in REFUSALS:
        return refuse(agent.mode, agent.token)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if agent.mode == "offline":
        lose_network()
    log("info", "client session established", obj="tunnels.session")
    log("info", "tunnel session started", obj="tunnels.session")
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
