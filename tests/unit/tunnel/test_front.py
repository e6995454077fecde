"""The front between a real client and a real service, on loopback."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest
import websockets

from alfred_dev.tunnel.front import Front, Seen
from alfred_dev.tunnel.guard import with_password
from alfred_dev.tunnel.model import Guard
from alfred_dev.tunnel.wire import Peer, fetch
from tests.unit.tunnel.made import NOW, spec

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Raw = tuple[list[tuple[bytes, bytes]], bytes, bytes]


class Service:
    """Keeps what it is asked, byte by byte; answers with ``answer``."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.got: list[Raw] = []
        self.answer = answer

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(h11.SERVER, reader, writer)
        # The front cuts off what is too slow in the middle: that is no request, and is not kept.
        with contextlib.closing(writer), contextlib.suppress(h11.RemoteProtocolError):
            head = await peer.next_event()
            if not isinstance(head, h11.Request):
                return
            body = b""
            while not isinstance(event := await peer.next_event(), h11.EndOfMessage):
                body += event.data
            self.got.append((head.headers.raw_items(), head.method + b" " + head.target, body))
            writer.write(self.answer)
            await writer.drain()


@asynccontextmanager
async def shown(handler: Handler, **options: Any) -> AsyncIterator[tuple[Front, int, list[Seen]]]:
    """A front before a service."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    upstream = server.sockets[0].getsockname()[1]
    seen: list[Seen] = []

    async def healthy() -> dict[str, object]:
        return {"tunnel": "agent-core", "ok": True}

    mounts = options.pop("mounts", dict)
    clock = options.pop("clock", lambda: NOW)
    secret = options.pop("secret", "")
    made = spec(upstream=upstream, host=f"127.0.0.1:{upstream}", **options)
    front = Front(
        spec=made, secret=secret, clock=clock, healthy=healthy, seen=seen.append, mounts=mounts,
        url="https://one.ngrok.app",
    )  # fmt: skip
    try:
        yield front, await front.start(), seen
    finally:
        await front.close()
        server.close()


async def raw(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    found = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return found


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test, 30)

    asyncio.run(limited())


def test_fifty_requests_arrive_unchanged() -> None:
    dice = random.Random(7)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    def request(number: int) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
        body = dice.randbytes(dice.choice([0, 1, 100, 70_000]))
        target = f"/v1/x%20y/{number}?q=%2F&q=a+b&empty=&ü={number}".encode()
        target = target.replace("ü".encode(), b"%C3%BC")
        headers = [
            (b"X-MiXeD-Case", b"Value %d" % number),
            (b"X-Twice", b"one"), (b"X-Twice", b"two"), (b"Cookie", b"a=1; b=\xe9"),
            (b"Authorization", b"Bearer abc.def"), (b"x-empty", b""),
        ]  # fmt: skip
        if number % 3 == 0 and body:
            chunk = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
            framing, sent = (b"Transfer-Encoding", b"chunked"), chunk
        else:
            framing, sent = (b"Content-Length", b"%d" % len(body)), body
        headers.append(framing)
        lines = b"".join(n + b": " + v + b"\r\n" for n, v in headers)
        method = methods[number % len(methods)].encode()
        head = method + b" " + target + b" HTTP/1.1\r\nHost: one.ngrok.app\r\n" + lines
        return head + b"Connection: close\r\n\r\n" + sent, headers, method + b" " + target + body

    async def test() -> None:
        service = Service()
        async with shown(service) as (_, port, seen):
            for number in range(50):
                data, headers, whole = request(number)
                assert b"200 OK" in await raw(port, data)
                got, target, body = service.got[-1]
                assert target + body == whole
                rest = [p for p in got if not p[0].startswith((b"Host", b"X-Forwarded"))]
                assert rest == headers
            assert len(seen) == 50

    run(test())


def test_a_kept_connection_is_judged_request_by_request() -> None:
    async def test() -> None:
        service = Service()
        async with shown(service) as (_, port, _seen):
            ask = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
            last = b"GET /admin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            found = await raw(port, ask % b"a" + ask % b"b" + last)
            assert found.count(b"HTTP/1.1 200") == 2
            assert found.count(b"HTTP/1.1 404") == 1
            assert [target for _, target, _ in service.got] == [b"GET /a", b"GET /b"]

    run(test())


def test_who_calls_is_the_providers_word_alone() -> None:
    sent = (
        b"GET / HTTP/1.1\r\nHost: one.ngrok.app\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n"
        b"X-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"
        b"X-User: root\r\nOrigin: https://one.ngrok.app\r\nTE: gzip\r\nX-Hop: 1\r\n"
        b"Connection: close, X-Hop\r\n\r\n"
    )

    async def test(trusts: bool) -> dict[bytes, bytes]:
        service = Service()
        async with shown(service, trusts_client=trusts) as (front, port, _):
            await raw(port, sent)
            found = dict(service.got[0][0])
            host = front.spec.host.encode()
            assert (found[b"Host"], found[b"Origin"]) == (host, b"http://" + host)
            assert found[b"X-Forwarded-Host"] == b"one.ngrok.app"
            names = {name.lower() for name in found}
            assert not names & {b"forwarded", b"x-real-ip", b"x-user", b"te", b"x-hop"}
            return found

    assert asyncio.run(test(True))[b"X-Forwarded-For"] == b"203.0.113.9"
    assert b"X-Forwarded-For" not in asyncio.run(test(False))


def test_the_origin_of_another_site_and_a_redirect_are_told_right() -> None:
    async def test() -> None:
        service = Service()
        async with shown(service) as (front, port, _):
            where = f"http://{front.spec.host}/health/".encode()
            service.answer = (
                b"HTTP/1.1 307 Temporary Redirect\r\nLocation: " + where + b"\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
            ask = b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.test\r\n"
            ask += b"Connection: close\r\n\r\n"
            assert b"Location: https://one.ngrok.app/health/" in await raw(port, ask)
            assert dict(service.got[0][0])[b"Origin"] == b"https://evil.test"

    run(test())


def test_the_tunnels_password_goes_no_further() -> None:
    async def test() -> None:
        service = Service()
        guard = Guard(**with_password("alfred", "pw", "salt"))
        word = base64.b64encode(b"alfred:pw").decode()
        async with shown(service, guard=guard) as (_, port, seen):
            url = f"http://127.0.0.1:{port}/x?secret=1"
            refused = await fetch(url)
            assert refused.status == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
            assert service.got == []
            answer = await fetch(url, headers={"Authorization": f"Basic {word}"})
            assert answer.status == 200
            assert b"Authorization" not in dict(service.got[0][0])
            assert [(s.path, s.status) for s in seen] == [("/x", 401), ("/x", 200)]

    run(test())


def signed(body: bytes, at: float = NOW) -> bytes:
    digest = hmac.new(b"s", b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
    return (
        b"POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + f"X-Slack-Request-Timestamp: {at:.0f}\r\nX-Slack-Signature: v0={digest}\r\n".encode()
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )


def test_only_signed_requests_reach_the_service() -> None:
    async def test() -> None:
        service = Service()
        async with shown(service, guard=Guard(verify="slack"), secret="s") as (_, port, _seen):
            body = b'{"event":"x"}' * 1000
            assert b"HTTP/1.1 200" in await raw(port, signed(body))
            assert service.got[0][2] == body
            other = signed(body).replace(b'"event"', b'"evils"', 1)
            bare = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            for data in (other, signed(body, NOW - 400), bare):
                assert b"HTTP/1.1 401" in await raw(port, data)
            assert len(service.got) == 1
            huge = signed(b"x").replace(b"Content-Length: 1", b"Content-Length: 2000000")
            assert b"HTTP/1.1 413" in await raw(port, huge + b"x" * 1_100_000)

    run(test())


def test_server_sent_events_come_one_by_one() -> None:
    async def test() -> None:
        gone = asyncio.Event()
        step = asyncio.Event()

        async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            for number in range(3):
                writer.write(b"data: %d\n\n" % number)
                await writer.drain()
                await step.wait()
                step.clear()
            await reader.read()
            gone.set()
            writer.close()

        async with shown(service) as (_, port, _seen):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            for number in range(3):
                await reader.readuntil(b"data: %d\n\n" % number)
                step.set()
            writer.close()
            await asyncio.wait_for(gone.wait(), 10)

    run(test())


def test_websockets_pass() -> None:
    async def test() -> None:
        async def echo(socket: websockets.ServerConnection) -> None:
            async for message in socket:
                await socket.send(message)

        server = await websockets.serve(echo, "127.0.0.1", 0)
        upstream = next(iter(server.sockets)).getsockname()[1]

        async def unused(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with shown(unused) as (front, _, seen):
            await front.close()
            front.spec = spec(upstream=upstream, host=f"127.0.0.1:{upstream}")
            port = await front.start()
            async with websockets.connect(f"ws://127.0.0.1:{port}/chat", proxy=None) as socket:
                for message in ("hello", b"\x00\xff" * 70_000, ""):
                    await socket.send(message)
                    assert await socket.recv() == message
            for _ in range(100):
                if seen:
                    break
                await asyncio.sleep(0.05)
            assert [s.status for s in seen] == [101]
        server.close()

    run(test())


def test_a_service_that_is_down_or_breaks_off_is_told() -> None:
    async def test() -> None:
        async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        ask = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        async with shown(breaks) as (front, port, _):
            assert b"tunnel-upstream-down" in await raw(port, ask)
            front.spec = spec(upstream=1)
            assert b"HTTP/1.1 502" in await raw(port, ask)

    run(test())


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_proper_request_reaches_nobody(data: bytes) -> None:
    async def test() -> None:
        service = Service()
        async with shown(service) as (_, port, _seen):
            assert b"HTTP/1.1 200" not in await raw(port, data)
            assert service.got == []

    run(test())


def test_its_time_is_over_for_the_next_request_too() -> None:
    now = [NOW]

    async def test() -> None:
        service = Service()
        async with shown(service, clock=lambda: now[0]) as (_, port, _seen):
            url = f"http://127.0.0.1:{port}/"
            assert (await fetch(url)).status == 200
            now[0] += 7200
            assert (await fetch(url)).status == 410

    run(test())


def test_its_health_is_told_to_who_knows_the_path() -> None:
    async def test() -> None:
        guard = Guard(**with_password("alfred", "pw", "salt"))
        async with shown(Service(), guard=guard) as (front, port, _):
            answer = await fetch(f"http://127.0.0.1:{port}{front.spec.health_url}")
            assert json.loads(answer.body) == {"tunnel": "agent-core", "ok": True}

    run(test())


def test_another_front_lies_below_its_path() -> None:
    async def test() -> None:
        inner = Service()
        server = await asyncio.start_server(inner, "127.0.0.1", 0)
        port_of_inner = server.sockets[0].getsockname()[1]
        outer = Service()
        mounts = {"/agent-rag": port_of_inner}
        guard = Guard(**with_password("alfred", "pw", "salt"))
        async with shown(outer, guard=guard, mounts=lambda: mounts) as (_, port, _seen):
            for path in ("/agent-rag", "/agent-rag/x?y", "/agent-ragged"):
                ask = f"GET {path} HTTP/1.1\r\nHost: one\r\nConnection: close\r\n\r\n"
                await raw(port, ask.encode())
            assert [target for _, target, _ in inner.got] == [b"GET /", b"GET /x?y"]
            assert dict(inner.got[0][0])[b"Host"] == b"one"
            assert outer.got == []
        server.close()

    run(test())
