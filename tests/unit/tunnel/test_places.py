"""How many callers a front has at once, and how long one may keep it waiting."""

from __future__ import annotations

import asyncio

import pytest

from alfred_dev.tunnel import places
from tests.unit.tunnel.test_front import Service, raw, run, shown

ASK = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
TIMEOUT_S = 5.0


async def silent(port: int, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A caller who says something and no more, once the front has heard it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await asyncio.sleep(0.05)
    return reader, writer


async def was_cut(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET / HT", HALF])
def test_who_keeps_us_waiting_loses_the_place_to_the_next(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 1)

    async def test() -> None:
        async with shown(Service()) as (_, port, _seen):
            reader, writer = await silent(port, said)
            assert (await raw(port, ASK)).startswith(b"HTTP/1.1 200")
            assert await was_cut(reader)
            writer.close()

    run(test())


def test_who_is_being_answered_keeps_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MAX_CONNECTIONS", 1)
    release = asyncio.Event()
    service = Service()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await service(reader, writer)

    async def test() -> None:
        async with shown(slow) as (_, port, _seen):
            reader, writer = await silent(port, ASK)
            assert await was_cut((await silent(port, ASK))[0])
            release.set()
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()

    run(test())


@pytest.mark.parametrize(("limit", "said"), [("HEAD_S", b"GET / HT"), ("BODY_S", HALF)])
def test_half_a_request_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, limit: str, said: bytes
) -> None:
    monkeypatch.setattr(places, limit, 0.1)

    async def test() -> None:
        async with shown(Service()) as (_, port, _seen):
            reader, writer = await silent(port, said)
            assert await was_cut(reader)
            writer.close()

    run(test())
