"""Bytes passed on, between real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alfred_dev.embedded.relay import Place
from alfred_dev.errors import UsageError


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.close()


async def asked(near: Place, far: Place) -> bytes:
    async with await asyncio.start_server(echo, far.host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with await near.listen(Place(host=far.host, port=port)):
            reader, writer = await near.connect()
            writer.write(b"hello")
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer


def test_a_socket_far_down_in_a_deep_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("deep" * 30)
    home.mkdir()
    monkeypatch.chdir(home)
    near = Place.parse(f"unix:{home}/agent-core-8011")
    assert asyncio.run(asked(near, Place(host="127.0.0.1"))) == b"hello"


def test_nobody_there_closes_the_connection(tmp_path: Path) -> None:
    near = Place(path=str(tmp_path / "s"))

    async def ask() -> bytes:
        async with await near.listen(Place(path=str(tmp_path / "nobody"))):
            reader, writer = await near.connect()
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(ask()) == b""


@pytest.mark.parametrize("text", ["", "unix:relative", "tcp:1", "tcp:host:port", "udp:h:1"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(UsageError):
        Place.parse(text)
