from __future__ import annotations

import signal
import smtplib

import grpc
import httpx
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.roles import OTHERS
from tests import worlds
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import http, listener, spec_of

HTML = {"accept": "text/html,application/xhtml+xml"}


def test_the_table_knows_only_services_that_are_somebody_elses() -> None:
    services = worlds.catalog().services
    assert set(OTHERS) <= set(services)
    assert all(services[name].image and not services[name].context for name in OTHERS)


def not_implemented(client: httpx.Client, path: str, real: str) -> None:
    for answer in (client.get(path), client.post(path), client.delete(path)):
        assert answer.status_code == 501
        assert answer.json()["error"]["code"] == "not-implemented"
        assert real in answer.json()["error"]["message"]
    page = client.get(path, headers=HTML)
    assert page.status_code == 501 and real in page.text and "stand-in" in page.text


@pytest.mark.parametrize(
    ("service", "health", "others", "real"),
    [
        (
            "monitoring-metrics",
            "/-/ready",
            {"/-/healthy": "The stand-in is healthy.\n"},
            "Prometheus",
        ),
        ("monitoring-dashboard", "/api/health", {}, "Grafana"),
    ],
)
def test_a_monitor_is_healthy_and_nothing_else(
    service: str, health: str, others: dict[str, str], real: str
) -> None:
    spec = spec_of(service, [http(free_port(), health)])
    with running.stand_in(spec) as stand_in, stand_in.http() as client:
        assert client.get(health).json()["stand_in"] is True
        for path, text in others.items():
            assert client.get(path).text == text
        for path in ("/", "/metrics", "/api/v1/query", f"{health}/"):
            not_implemented(client, path, real)


def test_pubsub_is_found_and_has_no_topics() -> None:
    spec = spec_of("pubsub-emulator", [listener(free_port(), ProbeKind.PUBSUB)])
    with running.stand_in(spec) as stand_in, stand_in.http() as client:
        assert client.get("/").text == "Ok\n"
        assert client.get("/v1/projects/any-project/topics").json() == {}
        not_implemented(client, "/v1/projects/any-project/subscriptions", "Pub/Sub emulator")
        topic = client.put("/v1/projects/any-project/topics/t")
        assert topic.status_code == 501


def test_the_mail_server_greets_and_shows_a_page() -> None:
    spec = spec_of("mail-server", [listener(free_port(), ProbeKind.SMTP), http(free_port(), "/")])
    smtp, web = (port.listen for port in spec.ports)
    with running.stand_in(spec) as stand_in:
        client = smtplib.SMTP("127.0.0.1", smtp, timeout=10)
        assert client.ehlo()[0] == 250
        answer = client.docmd("MAIL", "FROM:<a@example.com>")
        assert answer == (451, b"4.3.0 this stand-in keeps no mail")
        with httpx.Client(base_url=f"http://127.0.0.1:{web}", trust_env=False) as browser:
            page = browser.get("/")
            assert page.status_code == 200 and "Mailpit" in page.text
            not_implemented(browser, "/api/v1/messages", "Mailpit")
        # An open session does not hold up the end.
        assert stand_in.end(signal.SIGTERM) < running.SOON_S
        client.close()
    assert stand_in.process.returncode == 0


def rpc(port: int, method: str, request: bytes = b"") -> bytes:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(method)
        answer = call(request, timeout=10, wait_for_ready=True)
    assert isinstance(answer, bytes)
    return answer


def test_the_vector_database_answers_health_on_both_ports() -> None:
    web, rpc_port = free_port(), free_port()
    spec = spec_of("vector-db", [http(web, "/readyz"), listener(rpc_port, ProbeKind.GRPC)])
    with running.stand_in(spec) as stand_in:
        with stand_in.http() as client:
            assert client.get("/readyz").status_code == 200
            for path in ("/", "/collections", "/metrics"):
                not_implemented(client, path, "Qdrant")
        assert rpc(rpc_port, "/grpc.health.v1.Health/Check") == b"\x08\x01"
        for method, code, words in (
            ("/grpc.health.v1.Health/Check", grpc.StatusCode.NOT_FOUND, "whole server"),
            ("/qdrant.Points/Search", grpc.StatusCode.UNIMPLEMENTED, "Qdrant would answer this"),
            ("/grpc.health.v1.Health/Watch", grpc.StatusCode.UNIMPLEMENTED, "stand-in"),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                rpc(rpc_port, method, b"\n\x01x")
            assert caught.value.code() is code and words in caught.value.details()
        assert stand_in.end(signal.SIGTERM) < running.SOON_S
    assert stand_in.process.returncode == 0
    assert len(stand_in.log) == 1 + stand_in.text.count(" 501 ")


@pytest.mark.parametrize("taken", [0, 1])
def test_a_taken_port_of_two_ends_the_whole(taken: int) -> None:
    with running.stand_in(spec_of("auth-ui", [http(free_port())])) as other:
        ports = [free_port(), free_port()]
        ports[taken] = other.port
        spec = spec_of("vector-db", [http(ports[0], "/readyz"), listener(ports[1], ProbeKind.GRPC)])
        code, lines = running.run_to_end(spec)
    assert code == 1
    assert len(lines) == 1 and f"cannot listen on 127.0.0.1:{other.port}" in lines[0]


def test_two_grpc_servers_do_not_share_a_port() -> None:
    port = free_port()
    ports = [http(free_port(), "/readyz"), listener(port, ProbeKind.GRPC)]
    with running.stand_in(spec_of("vector-db", ports)):
        code, lines = running.run_to_end(
            spec_of("vector-db", [http(free_port(), "/readyz"), listener(port, ProbeKind.GRPC)])
        )
    assert code == 1 and len(lines) == 1 and "Address already in use" in lines[0]
