from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from alfred_dev.embedded import serve
from alfred_dev.embedded.listen import listening

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
Talk = Callable[[Any, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Application:
    """Answers a request when it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let = asyncio.Event()
        self.cancelled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def served(application: Callable[[], Application], talk: Talk) -> float:
    """Hold ``talk`` with a running server; return the seconds that its end took."""

    async def main() -> float:
        app = application()
        listener = listening("127.0.0.1", 0)
        server = serve.SleepyServer(app, {"server": "a test"})
        running = asyncio.create_task(server.serve([listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await talk(app, reader, writer)
        started = time.perf_counter()
        server.end()
        await running
        seconds = time.perf_counter() - started
        writer.close()
        return seconds

    return asyncio.run(main())


def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    async def talk(
        app: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        app.let.set()
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 204") and b"server: a test\r\n" in head

    assert served(Application, talk) < serve.GRACE_S


def test_a_request_in_work_is_answered_before_the_end() -> None:
    answers: list[asyncio.Task[bytes]] = []

    async def talk(
        app: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(REQUEST)
        await app.asked.wait()
        answers.append(asyncio.create_task(reader.readuntil(b"\r\n\r\n")))
        asyncio.get_running_loop().call_later(0.05, app.let.set)

    served(Application, talk)
    assert answers[0].result().startswith(b"HTTP/1.1 204")


def test_a_request_without_end_is_given_up() -> None:
    apps: list[Application] = []

    async def talk(
        app: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        apps.append(app)
        writer.write(REQUEST)
        await app.asked.wait()

    assert served(Application, talk) >= serve.GRACE_S
    assert apps[0].cancelled


def test_an_idle_server_wakes_about_once_a_second() -> None:
    async def main() -> int:
        server = serve.SleepyServer(Application(), {})
        running = asyncio.create_task(server.serve([listening("127.0.0.1", 0)]))
        ticks = 0
        plain = server.on_tick

        async def counting(counter: int) -> bool:
            nonlocal ticks
            ticks += 1
            return await plain(counter)

        server.on_tick = counting  # type: ignore[method-assign]  # counts and does the same
        await asyncio.sleep(1.2)
        server.end()
        await running
        return ticks

    assert asyncio.run(main()) <= 3
