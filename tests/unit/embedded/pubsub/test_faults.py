from __future__ import annotations

import contextlib
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from alfred_dev.embedded.pubsub.door import PREFACE
from tests.unit.embedded import running
from tests.unit.embedded.pubsub import servers
from tests.unit.embedded.pubsub.servers import World, texts
from tests.unit.embedded.running import DOMAIN, SOON_S, Running

GROWTH_MB = 40
STREAMING_PULL = "/google.pubsub.v1.Subscriber/StreamingPull"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with servers.ours() as service:
        yield service
        assert service.process.poll() is None, service.text
        assert "Traceback" not in service.text


@pytest.fixture
def world(server: Running) -> Iterator[World]:
    made = World.on(server.port)
    yield made
    made.close()


def memory_mb(server: Running) -> float:
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def connection(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=5)


def works(world: World) -> None:
    topic, name = world.topic(), world.subscription()
    world.publish(["still here"])
    assert texts(world.pull(name)) == ["still here"]
    world.subscriber.delete_subscription(subscription=name)
    world.publisher.delete_topic(topic=topic)


def test_500_idle_connections_are_held(server: Running, world: World) -> None:
    with contextlib.ExitStack() as stack:
        for n in range(500):
            idle = stack.enter_context(connection(server))
            idle.sendall((b"", b"P", b"GET / HT", PREFACE)[n % 4])
        works(world)


def test_a_client_that_never_reads_holds_up_nobody(server: Running, world: World) -> None:
    topic, name = world.topic(), world.subscription()
    before = memory_mb(server)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        from google.pubsub_v1.types import StreamingPullRequest

        call = channel.stream_stream(
            STREAMING_PULL, request_serializer=StreamingPullRequest.serialize
        )
        first = StreamingPullRequest(subscription=name, stream_ack_deadline_seconds=10)
        over = threading.Event()

        def sent() -> Iterator[Any]:
            yield first
            over.wait(30)

        stream = call(sent())
        time.sleep(0.2)
        large = b"x" * 100_000
        futures = [world.publisher.publish(topic, large) for _ in range(1500)]
        for future in futures:
            future.result(timeout=20)
        other = World(server.port, "ours", world.project)
        assert other.pull(name, timeout_s=15)  # what the silent one could not take
        other.close()
        over.set()
        stream.cancel()
    world.subscriber.delete_subscription(subscription=name)
    assert memory_mb(server) - before < 150 + GROWTH_MB  # the messages, and a little on the way


def junk(source: random.Random) -> bytes:
    """Bytes that are nearly HTTP/2, HTTP/1, or nothing at all."""
    frame = bytes(
        (0, source.randrange(4), source.randrange(256), source.randrange(12), source.randrange(256))
    ) + source.randbytes(4)
    noise = source.randbytes(source.randrange(1, 2000))
    kind = source.randrange(6)
    if kind == 0:
        return PREFACE + frame + noise
    if kind == 1:
        return PREFACE[: source.randrange(1, len(PREFACE))]
    if kind == 2:
        return b"GET /" + noise + b" HTTP/1.1\r\n\r\n"
    if kind == 3:
        return b"POST /v1/projects/p/topics/abc:publish HTTP/1.1\r\nHost: localhost\r\n" + noise
    if kind == 4:
        return PREFACE + frame * 50
    return noise


def test_malformed_bytes_neither_crash_it_nor_make_it_grow(server: Running, world: World) -> None:
    source = random.Random(8)
    works(world)

    def throw(count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(OSError), connection(server) as one:
                one.sendall(junk(source))
                one.settimeout(0.01)
                one.recv(100)

    throw(300)
    before = memory_mb(server)
    throw(600)
    assert memory_mb(server) - before < GROWTH_MB / 4
    works(World.on(server.port))


def test_a_request_that_is_no_message_is_refused(server: Running) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        for method, code in [
            ("/google.pubsub.v1.Publisher/Publish", grpc.StatusCode.INVALID_ARGUMENT),
            ("/google.pubsub.v1.SchemaService/ListSchemas", grpc.StatusCode.UNIMPLEMENTED),
            ("/no.such/Thing", grpc.StatusCode.UNIMPLEMENTED),
        ]:
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(method)(b"\xff\xff\xff", timeout=5)
            assert caught.value.code() is code
        stream = channel.stream_stream(STREAMING_PULL)
        with pytest.raises(grpc.RpcError) as caught:
            list(stream(iter([b"\xff\xff"]), timeout=5))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"[1]", 400), (b"{", 400), (b"[" * 10_000, 400), (b'{"messages": 1}', 400),
     (b'{"messages": [{"data": "%%"}]}', 400), (b'{"nothing": 1}', 400), (b"{}", 400)],
)  # fmt: skip
def test_rest_refuses_what_it_cannot_read(world: World, body: bytes, status: int) -> None:
    world.topic()
    url = f"http://127.0.0.1:{world.port}/v1/{world.project}/topics/the-topic:publish"
    answer = httpx.post(url, content=body, trust_env=False)
    assert answer.status_code == status
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_a_body_of_50_mb_is_refused_and_not_kept(server: Running, world: World) -> None:
    before = memory_mb(server)
    url = f"http://127.0.0.1:{world.port}/v1/{world.project}/topics/the-topic:publish"
    with contextlib.suppress(httpx.TransportError):
        answer = httpx.post(url, content=b"x" * 50_000_000, trust_env=False, timeout=20)
        assert answer.status_code == 400
    topic = world.topic()
    huge = world.publisher.publish(topic, b"x" * 9_900_000)  # the client itself allows 10 MB
    assert huge.result(timeout=20)
    assert memory_mb(server) - before < 100


def test_what_is_not_here_names_the_real_server(world: World) -> None:
    url = f"http://127.0.0.1:{world.port}"
    answer = httpx.get(f"{url}/v1/{world.project}/schemas", trust_env=False)
    assert answer.status_code == 501 and "Google's emulator" in answer.json()["error"]["message"]
    assert httpx.get(f"{url}/nothing", trust_env=False).status_code == 404


def test_pages_of_other_sites_and_foreign_names_are_refused(world: World) -> None:
    url = f"http://127.0.0.1:{world.port}/v1/{world.project}/topics/by-a-page"

    def put(**headers: str) -> int:
        return httpx.put(url, headers=headers, trust_env=False).status_code

    assert put(origin="https://evil.example") == 403
    assert put(host="evil.example") == 421
    assert httpx.get(url, trust_env=False).status_code == 404
    assert put(origin=f"https://ui.{DOMAIN}", host=f"pubsub.{DOMAIN}") == 200


def test_a_message_is_not_given_to_a_client_that_has_gone(server: Running, world: World) -> None:
    world.topic()
    name = world.subscription()
    for _ in range(3):
        with connection(server) as one:
            one.sendall(
                f"POST /v1/{name}:pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n\r\n"
                '{"maxMessages":5}'.encode()
            )
            time.sleep(0.1)
    time.sleep(0.2)
    world.publish(["for the living"])
    began = time.monotonic()
    assert texts(world.pull(name)) == ["for the living"]
    assert time.monotonic() - began < SOON_S


def test_metrics_tell_what_waits(world: World) -> None:
    world.topic()
    name = world.subscription()
    world.publish(["a", "b"])
    world.acknowledge(name, world.pull(name, most=1))
    text = httpx.get(f"http://127.0.0.1:{world.port}/metrics", trust_env=False).text
    assert f'alfred_pubsub_unacknowledged{{subscription="{name}"}} 1' in text
    assert f'alfred_pubsub_acknowledged_total{{subscription="{name}"}} 1' in text


def test_it_ends_at_once_with_streams_open(world: World) -> None:
    from google.pubsub_v1.types import StreamingPullRequest

    with servers.ours() as service:
        mine = World.on(service.port)
        mine.topic()
        first = StreamingPullRequest(
            subscription=mine.subscription(), stream_ack_deadline_seconds=10
        )
        with grpc.insecure_channel(f"127.0.0.1:{service.port}") as channel:
            call = channel.stream_stream(STREAMING_PULL)
            over = threading.Event()

            def sent() -> Iterator[bytes]:
                yield StreamingPullRequest.serialize(first)
                over.wait(30)

            stream = call(sent())
            time.sleep(0.2)
            assert service.end(signal.SIGTERM) < SOON_S
            assert service.process.returncode == 0 and "Traceback" not in service.text
            over.set()
            stream.cancel()
        mine.close()


def test_a_port_that_is_taken_is_said_in_one_line(server: Running) -> None:
    code, lines = running.run_to_end(server.spec)
    assert code == 1 and len(lines) == 1 and "cannot listen" in lines[0]
