"""What has no end: events, WebSockets, gRPC. And what never comes."""

from __future__ import annotations

import json
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from alfred_dev.plan import Plan
from tests.gateway import doors, upstream
from tests.gateway.conftest import ORIGIN
from tests.gateway.doors import SECRET, Door, host, until
from tests.servers import free_port


def test_events_arrive_one_by_one(door: Door) -> None:
    headers = {
        "Host": host("api"),
        "Authorization": f"Bearer {door.token()}",
        "Accept": "text/event-stream",
    }
    url = f"https://127.0.0.1:{door.ports[443]}/agents/core/events"
    with (
        door.client() as client,
        client.stream("GET", url, headers=headers, extensions={"sni_hostname": host("api")}) as got,
    ):
        chunks = [chunk for chunk in got.iter_raw() if chunk]
    assert [c.decode() for c in chunks] == [f"data: {n}\n\n" for n in range(upstream.CHUNKS)]


def test_a_websocket_of_a_page_works_and_knows_its_page(door: Door) -> None:
    origin = f"https://{host('ui')}"
    with websocket(door, "ui", "/socket", origin=origin) as socket:
        headers = json.loads(socket.recv())
        assert headers["origin"] == origin
        for number in range(20):
            socket.send(f"say {number}")
            assert socket.recv() == f"say {number}"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_websocket_of_another_site_is_refused(door: Door, origin: str) -> None:
    with pytest.raises(Exception, match="403"), websocket(door, "ui", "/socket", origin=origin):
        pass


def test_a_websocket_of_the_api_needs_a_token(door: Door) -> None:
    with pytest.raises(Exception, match="401"), websocket(door, "api", "/agents/core/socket"):
        pass
    token = {"Authorization": f"Bearer {door.token('ann')}"}
    with websocket(door, "api", "/agents/core/socket", headers=token) as socket:
        headers = json.loads(socket.recv())
        assert (headers["x-user"], headers["x-alfred-gateway"]) == ("ann", SECRET)
        socket.send("hello")
        assert socket.recv() == "hello"


def websocket(door: Door, label: str, path: str, **options: Any) -> ClientConnection:
    made: ClientConnection = connect(
        f"wss://{host(label)}:443{path}",
        sock=door.connected_plain(),
        ssl=door.tls,
        server_hostname=host(label),
        additional_headers=options.pop("headers", None),
        proxy=None,
        **options,
    )
    return made


def test_grpc_passes_unary_and_in_both_directions(tmp_path: Path) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((_Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with doors.opened(tmp_path) as door:
            door.services = {**door.services, "vector-db": port}
            door.write()
            settled(door, what=CLUSTERS)
            token = (("authorization", f"Bearer {door.token()}"),)
            credentials = grpc.ssl_channel_credentials(door.authority)
            for label in ("api", "vector-db"):
                options = (
                    ("grpc.ssl_target_name_override", host(label)),
                    ("grpc.default_authority", host(label)),
                )
                target = f"127.0.0.1:{door.ports[443]}"
                with grpc.secure_channel(target, credentials, options=options) as channel:
                    one = channel.unary_unary("/qdrant.Points/Echo")
                    assert one(b"hello", metadata=token, timeout=5) == b"hello"
                    both = channel.stream_stream("/qdrant.Points/EchoAll")
                    said = both(iter([b"a", b"b", b"c"]), metadata=token, timeout=5)
                    assert list(said) == [b"a", b"b", b"c"]
                    with pytest.raises(grpc.RpcError) as caught:
                        one(b"hello", timeout=5)
                    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    finally:
        server.stop(None)


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method.endswith("EchoAll"):
            return grpc.stream_stream_rpc_method_handler(lambda items, _: items)
        return grpc.unary_unary_rpc_method_handler(lambda item, _: item)


def test_an_answer_that_does_not_come_in_time_is_given_up(tmp_path: Path) -> None:
    with doors.opened(tmp_path) as door:
        door.plan = with_timeout(door, "agent-core", 1)
        door.write()
        settled(door, what=ROUTES)
        answer = door.get("api", "/agents/core/silent", token=door.token())
        assert answer.status_code == 504
        assert "agent-core took too long" in answer.json()["error"]["message"]


CLUSTERS, ROUTES = "cluster_manager.cds.update_success", "http.https.rds.https.update_success"


def settled(door: Door, *, what: str) -> None:
    """Wait until the gateway has taken over what was written once."""
    until(lambda: f"{what}: 2" in admin(door, f"/stats?filter={what}"))


def admin(door: Door, path: str) -> str:
    """Ask Envoy's own pages, which only this user can."""
    transport = httpx.HTTPTransport(uds=str(door.folder / "run" / "gateway" / "admin.sock"))
    with httpx.Client(transport=transport) as client:
        return client.get(f"http://admin{path}").text


def with_timeout(door: Door, name: str, seconds: int) -> Plan:
    changed = tuple(
        replace(s, definition=replace(s.definition, timeout_s=seconds)) if s.id == name else s
        for s in door.plan.services
    )
    return replace(door.plan, services=changed)


def test_a_service_that_is_down_is_named_and_a_failure_is_not_asked_again(tmp_path: Path) -> None:
    with doors.opened(tmp_path) as door:
        door.services = {**door.services, "agent-legal": free_port()}
        door.write()
        settled(door, what=CLUSTERS)
        answer = door.get("api", "/agents/legal/", token=door.token())
        assert answer.status_code == 503
        assert "agent-legal does not answer: alfred-dev status" in answer.json()["error"]["message"]
        for _ in range(10):  # an answer is an answer: nobody is ejected, nothing asked again
            failed = door.get("api", "/agents/core/status/503", token=door.token())
            assert (failed.status_code, failed.text) == (503, "said")
        assert door.get("api", "/agents/core/", token=door.token()).status_code == 200
        statistics = door.statistics()
        assert 'envoy_cluster_upstream_rq_retry{envoy_cluster_name="agent-core"} 0' in statistics
        assert 'envoy_cluster_upstream_rq_retry{envoy_cluster_name="agent-legal"} 2' in statistics


def test_a_post_is_never_sent_twice(tmp_path: Path) -> None:
    with doors.opened(tmp_path) as door:
        door.services = {**door.services, "agent-legal": free_port()}
        door.write()
        settled(door, what=CLUSTERS)
        assert door.request("POST", "api", "/agents/legal/", token=door.token()).status_code == 503
        name = 'envoy_cluster_upstream_rq_retry{envoy_cluster_name="agent-legal"}'
        assert f"{name} 0" in door.statistics()


def test_a_service_has_no_more_connections_than_the_catalog_says(tmp_path: Path) -> None:
    with doors.opened(tmp_path) as door:
        changed = tuple(
            replace(s, definition=replace(s.definition, connections=2)) if s.id == "ui-chat" else s
            for s in door.plan.services
        )
        door.plan = replace(door.plan, services=changed)
        door.write()
        settled(door, what=CLUSTERS)
        with futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(door.get, "ui", "/events") for _ in range(8)]
            assert {task.result().status_code for task in asked} == {200}
        name = 'envoy_cluster_upstream_cx_overflow{envoy_cluster_name="ui-chat"}'
        line = next(line for line in door.statistics().splitlines() if line.startswith(name))
        assert int(line.rpartition(" ")[2]) > 0


def test_partner_pages_are_partner_pages_for_websockets_too(door: Door) -> None:
    with websocket(door, "ui", "/socket", origin=ORIGIN) as socket:
        assert json.loads(socket.recv())["origin"] == ORIGIN


def test_a_stream_that_is_still_open_does_not_keep_the_gateway_from_ending(tmp_path: Path) -> None:
    with doors.opened(tmp_path) as door, websocket(door, "ui", "/socket") as socket:
        socket.recv()
        door.process.terminate()
        door.process.wait(timeout=10)
