from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alfred_dev.catalog.model import ProbeKind
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import Running, ask, http, spec_of


@pytest.fixture(scope="module")
def core() -> Iterator[Running]:
    """A stand-in that depends on nothing."""
    with running.stand_in(spec_of("agent-core", [http(free_port())])) as service:
        yield service


def until(client: httpx.Client, path: str, status: int) -> httpx.Response:
    """Ask until the answer has ``status``; the server's cache is at most a second old."""
    end = time.monotonic() + running.TIMEOUT_S
    while (answer := client.get(path)).status_code != status:
        assert time.monotonic() < end, answer.text
        time.sleep(0.02)
    return answer


def test_health_of_one_who_needs_nobody(core: Running) -> None:
    with core.http() as client:
        answer = client.get("/health")
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok", "service": "agent-core", "stand_in": True}
        assert client.get("/ready").json() == {"status": "ok", "dependencies": []}
        assert client.head("/health").status_code == 200


@pytest.mark.parametrize("path", ["/health", "/", "/nope", "/metrics", "/ready"])
def test_every_answer_says_what_it_is(core: Running, path: str) -> None:
    with core.http() as client:
        headers = client.get(path).headers
    assert headers.get_list("server") == ["alfred-dev stand-in"]
    assert headers["x-alfred-service"] == "agent-core"
    assert "date" in headers


def test_an_unknown_path_names_who_would_have_it(core: Running) -> None:
    with core.http() as client:
        answer = client.get("/v2/agents")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not-found"
        assert "stand-in" in answer.json()["error"]["message"]
        assert "Agent Core is not here" in answer.json()["error"]["message"]
        wrong = client.post("/health")
        assert wrong.status_code == 405
        assert wrong.json()["error"]["code"] == "method-not-allowed"
        assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_page_says_that_it_is_a_stand_in(core: Running) -> None:
    with core.http() as client:
        answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "stand-in" in answer.text and "whose code is" in answer.text


def test_strangers_are_refused(core: Running) -> None:
    with core.http() as client:
        rebinding = client.get("/health", headers={"host": "evil.example"})
        assert (rebinding.status_code, rebinding.json()["error"]["code"]) == (421, "unknown-host")
        crossing = client.get("/health", headers={"origin": "https://evil.example"})
        assert (crossing.status_code, crossing.json()["error"]["code"]) == (403, "cross-site")
        assert crossing.headers["server"] == "alfred-dev stand-in"
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        socket_of_a_stranger = client.get("/health", headers={**upgrade, "origin": "null"})
        assert socket_of_a_stranger.status_code == 403
        friend = {"host": f"core.{running.DOMAIN}:8443", "origin": "http://ui.localhost"}
        assert client.get("/health", headers=friend).status_code == 200


def test_metrics_count_by_route_and_not_by_path(core: Running) -> None:
    with core.http() as client:
        for number in range(5):
            client.get(f"/unknown/{number}")
        client.get("/health")
        client.get("/health", headers={"host": "evil.example"})
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "http_requests_total"
    }
    assert found["(unknown)", "404"] >= 5
    assert found["/health", "200"] >= 1
    assert found["(refused)", "421"] >= 1
    assert not [route for route, _ in found if "unknown/" in route]


def test_nonsense_instead_of_http_is_refused(core: Running) -> None:
    with socket.create_connection(("127.0.0.1", core.port), 5) as stranger:
        stranger.sendall(b"\x16\x03\x01 this is TLS\r\n\r\n")
        assert stranger.recv(1000).startswith(b"HTTP/1.1 400")
    assert "Traceback" not in core.text


def test_health_and_metrics_are_not_logged_and_the_rest_is_one_line(core: Running) -> None:
    with core.http() as client:
        for path in ("/health", "/metrics", "/ready", "/logged?token=secret"):
            client.get(path)
    core.wait_for("GET /logged 404")
    assert not {"/health 200", "/metrics", "/ready", "secret"} & set(core.text.split())


@pytest.mark.parametrize("path", ["/health/", "/_stcore/health", "/api/health"])
def test_the_health_path_is_the_catalogs(path: str) -> None:
    spec = spec_of("agent-x", [http(free_port(), path)])
    with running.stand_in(spec) as service, service.http() as client:
        assert client.get(path).status_code == 200
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        assert client.get(other).status_code == 307
        assert client.get(other, follow_redirects=True).json()["status"] == "ok"


class Dependency:
    """An HTTP server that comes and goes."""

    def __init__(self) -> None:
        self.port = free_port()

    def __enter__(self) -> Dependency:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/health" else 404)
                self.end_headers()

            def log_message(self, *values: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_health_follows_the_dependency() -> None:
    dependency = Dependency()
    spec = spec_of(
        "model-router",
        [http(free_port())],
        asks=[ask("model-registry", "MODEL_REGISTRY_URL", ProbeKind.HTTP, "/health")],
    )
    address = {"MODEL_REGISTRY_URL": f"http://127.0.0.1:{dependency.port}"}
    with running.stand_in(spec, address) as service, service.http() as client:
        answer = client.get("/health")
        assert answer.status_code == 503
        assert answer.json()["status"] == "waiting"
        assert answer.json()["waiting_for"] == ["model-registry"]
        assert answer.json()["detail"].startswith("model-registry: ")
        assert client.get("/ready").status_code == 503
        with dependency:
            until(client, "/health", 200)
            (row,) = client.get("/ready").json()["dependencies"]
            assert (row["service"], row["ok"]) == ("model-registry", True)
            assert row["latency_ms"] > 0
            assert "reachable" in client.get("/").text
        assert client.get("/ready").status_code == 503
        until(client, "/health", 503)
        with dependency:
            until(client, "/health", 200)


def test_a_rejected_password_is_the_detail(tmp_path: Path) -> None:
    with running.redis(tmp_path / "redis") as redis:
        spec = spec_of(
            "agent-rag",
            [http(free_port())],
            asks=[ask("redis", "ALFRED_REDIS_URL", ProbeKind.REDIS)],
        )
        url = {"ALFRED_REDIS_URL": f"redis://:wrong-one@127.0.0.1:{redis.port}/0"}
        with running.stand_in(spec, url) as service, service.http() as client:
            detail = client.get("/health").json()["detail"]
            assert detail.startswith("redis: ") and "password" in detail
            assert "wrong-one" not in detail + client.get("/ready").text + client.get("/").text


def seconds_to_end(number: signal.Signals) -> float:
    with running.stand_in(spec_of("auth-ui", [http(free_port())])) as service:
        address = ("127.0.0.1", service.port)
        with service.http() as keeps_alive, socket.create_connection(address, 5) as half:
            keeps_alive.get("/health")
            half.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
            seconds = service.end(number)
            assert half.recv(10) == b""
    assert service.process.returncode == 0
    assert "Traceback" not in service.text
    return seconds


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_comes_at_once_and_closes_what_is_open(number: signal.Signals) -> None:
    # Mostly 0.05 s; one of three, because other tests may keep the processors busy.
    assert any(seconds_to_end(number) < 0.5 for _ in range(3))


def test_a_second_one_on_the_same_port_says_so_in_one_line(core: Running) -> None:
    code, lines = running.run_to_end(spec_of("auth-ui", [http(core.port)]))
    assert code == 1
    assert len(lines) == 1
    assert f"cannot listen on 127.0.0.1:{core.port}: Address already in use" in lines[0]
