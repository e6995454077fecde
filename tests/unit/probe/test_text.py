"""Whole answers, for who needs more than a line: what data stores count of themselves."""

from __future__ import annotations

import asyncio
import socket

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.dashboard import stores
from alfred_dev.probe import postgres as wire
from alfred_dev.probe import redis
from alfred_dev.probe.base import Target
from tests import servers
from tests.unit.probe.asking import HASTE_S, PASSWORD, PATIENCE_S, target
from tests.unit.probe.strangers import listener


def info(of: Target, timeout_s: float = PATIENCE_S) -> str | None:
    return asyncio.run(redis.text(of, *stores.INFO, timeout_s=timeout_s))


def test_a_real_redis_is_read(valkey: servers.Server) -> None:
    found = stores.redis(info(target(ProbeKind.REDIS, valkey.port)) or "")
    assert set(stores.REDIS.values()) <= found.rows.keys()
    assert found.connected is not None and 0 < found.connected < 0.01


def test_a_wrong_password_reads_nothing(valkey: servers.Server) -> None:
    assert info(target(ProbeKind.REDIS, valkey.port, password="wrong")) is None


@pytest.mark.parametrize("said", [b"+PONG\r\n", b"$5\r\nhello\r\n", b"HTTP/1.1 400\r\n\r\n", b""])
def test_a_stranger_is_told_no_password(said: bytes) -> None:
    heard: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(said)
        heard.append(connection.recv(4096))

    with listener(handle) as port:
        assert info(target(ProbeKind.REDIS, port), HASTE_S if not said else PATIENCE_S) is None
    assert heard and not any(PASSWORD.encode() in words for words in heard)


def test_a_real_postgres_is_read(postgres: servers.Server) -> None:
    of = target(ProbeKind.POSTGRES, postgres.port)
    text = asyncio.run(wire.text(of, stores.QUERY, timeout_s=PATIENCE_S))
    broken = asyncio.run(wire.text(of, "SELECT nothing", timeout_s=PATIENCE_S))
    found = stores.postgres(text or "")
    sizes = {row[0]["datname"]: row[1] for row in found.rows["pg_database_size_bytes"]}
    assert sizes["postgres"] > 1_000_000
    assert found.connected is not None and 0 < found.connected < 0.5
    assert broken is None
