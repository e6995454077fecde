"""A tunnel's whole life by ssh, against a real sshd; the clock is ours."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alfred_dev.errors import TunnelError
from alfred_dev.tunnel import registry, state
from alfred_dev.tunnel.model import Guard, Record, State, TunnelSpec
from alfred_dev.tunnel.opening import record_of
from alfred_dev.tunnel.serve import Tunnel
from alfred_dev.tunnel.wire import fetch
from tests import sshd
from tests.sshd import Sshd
from tests.unit.tunnel import made
from tests.unit.tunnel.made import NOW

PATIENCE_S = 20.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    with sshd.running(tmp_path / "sshd") as running:
        monkeypatch.setenv("PATH", running.path)
        yield running


class Life:
    """One tunnel in this process: ``now`` moves its clock."""

    def __init__(self, home: Path, ssh_host: str, upstream: int, **changes: Any) -> None:
        self.now = NOW
        self.said: list[str] = []
        self.spec: TunnelSpec = made.spec(
            provider="ssh", ssh_host=ssh_host, home=str(home), upstream=upstream, **changes
        )
        state.put(home, record_of(self.spec, NOW))
        self.tunnel = Tunnel(
            spec=self.spec,
            provider=registry.provider(self.spec),
            clock=lambda: self.now,
            say=self.said.append,
        )
        self.task = asyncio.create_task(self.tunnel.run())

    @property
    def record(self) -> Record:
        return state.read(self.tunnel.home)[self.spec.name]

    async def until(self, *states: State) -> Record:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.record.state in states:
                return self.record
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.record} {self.said}")


async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere")
    await writer.drain()
    writer.close()


async def listen() -> tuple[asyncio.Server, int]:
    found = await asyncio.start_server(service, "127.0.0.1", 0)
    return found, int(found.sockets[0].getsockname()[1])


def test_two_hours_later_nothing_is_open(server: Sshd, tmp_path: Path) -> None:
    async def test() -> None:
        listener, port = await listen()
        life = Life(made.home(tmp_path), server.host, port)
        record = await life.until(State.OPEN)
        assert (record.healthy, record.warning) == (True, "")
        assert (await fetch(record.url)).body == b"here"
        life.now = NOW + 7199
        assert (await fetch(record.url)).status == 200
        life.now = NOW + 7200
        assert await asyncio.wait_for(life.task, PATIENCE_S) is None
        for gone in (record.url, f"http://127.0.0.1:{record.port}"):
            with pytest.raises(OSError):
                await fetch(gone, timeout_s=1)
        assert state.read(life.tunnel.home) == {}
        assert [pid for pid, known in state.children(record.children) if _alive(pid, known)] == []
        listener.close()

    asyncio.run(test())


def _alive(pid: int, identity: str) -> bool:
    from alfred_dev.host import processes

    return processes.alive(pid, identity)


def test_a_cut_connection_comes_back_under_the_same_url(server: Sshd, tmp_path: Path) -> None:
    async def test() -> None:
        listener, port = await listen()
        life = Life(made.home(tmp_path), server.host, port)
        before = await life.until(State.OPEN)
        server.cut()
        lost = await life.until(State.LOST)
        assert (lost.healthy, lost.broken) == (False, "provider")
        server.start()
        after = await life.until(State.OPEN)
        assert after.url == before.url
        assert (await fetch(after.url)).body == b"here"
        life.tunnel.ends.set()
        assert await asyncio.wait_for(life.task, PATIENCE_S) is None
        listener.close()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("AllowTcpForwarding no", "tunnel-forward-refused"),
        ("DenyUsers " + getpass.getuser(), "tunnel-denied"),
    ],
)
def test_what_the_server_does_not_allow_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, code: str
) -> None:
    with sshd.running(tmp_path / "sshd", option) as running:
        monkeypatch.setenv("PATH", running.path)
        assert failing(running.host, made.home(tmp_path)).code == code


def failing(host: str, home: Path) -> TunnelError:
    async def test() -> TunnelError:
        listener, port = await listen()
        life = Life(home, host, port)
        error = await asyncio.wait_for(life.task, PATIENCE_S)
        assert error is not None
        assert life.record.state is State.FAILED
        assert life.record.error["code"] == error.code
        listener.close()
        return error

    return asyncio.run(test())


def test_an_unknown_host_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    (server.folder / "known").write_text("")
    assert failing(server.host, made.home(tmp_path)).code == "tunnel-host-key"


def test_a_changed_host_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    name = (server.folder / "known").read_text().split()[0]
    other = (server.folder / "user.pub").read_text().split()
    (server.folder / "known").write_text(f"{name} {other[0]} {other[1]}\n")
    error = failing(server.host, made.home(tmp_path))
    assert (error.code, "changed" in error.what) == ("tunnel-host-key", True)


def test_a_server_that_is_not_there_is_told(server: Sshd, tmp_path: Path) -> None:
    server.cut()
    assert failing(server.host, made.home(tmp_path)).code == "tunnel-no-network"


def test_a_server_that_never_answers_is_told_in_time(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alfred_dev.tunnel.ssh.OPEN_TIMEOUT_S", 1.0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def test() -> None:
        listener = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        life = Life(made.home(tmp_path), f"me@127.0.0.1:{port}", 1)
        error = await asyncio.wait_for(life.task, PATIENCE_S)
        assert error is not None
        assert error.code == "tunnel-timeout"
        listener.close()

    asyncio.run(test())


def test_without_ssh_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert failing("me@nowhere", made.home(tmp_path)).code == "tunnel-no-agent"


def test_a_server_that_shows_the_port_to_everybody_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(host: str) -> None:
        listener, port = await listen()
        life = Life(made.home(tmp_path), host, port)
        assert "GatewayPorts" in (await life.until(State.OPEN)).warning
        life.tunnel.ends.set()
        await life.task
        listener.close()

    with sshd.running(tmp_path / "sshd", "GatewayPorts yes") as running:
        monkeypatch.setenv("PATH", running.path)
        asyncio.run(test(running.host))


def test_a_service_that_ends_is_told_apart_from_a_way_that_is_lost(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alfred_dev.tunnel.serve.HEALTH_S", 0.1)

    async def test() -> None:
        listener, port = await listen()
        life = Life(made.home(tmp_path), server.host, port, guard=Guard(path="/hooks"))
        await life.until(State.OPEN)
        listener.close()
        deadline = time.monotonic() + PATIENCE_S
        while not life.record.broken and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert (life.record.broken, life.record.state) == ("service", State.OPEN)
        state.drop(life.tunnel.home, life.spec.name)  # closed by somebody who cannot tell it
        assert await asyncio.wait_for(life.task, PATIENCE_S) is None

    asyncio.run(test())


def test_a_clock_that_is_set_back_makes_no_tunnel_last_longer(tmp_path: Path) -> None:
    spec = made.spec(home=str(made.home(tmp_path)))
    elapsed = iter([0.0, 3600.0, 7201.0])
    tunnel = Tunnel(
        spec=spec,
        provider=registry.provider(spec),
        clock=lambda: NOW,
        elapsed=lambda: next(elapsed),
    )
    asyncio.run(asyncio.wait_for(tunnel.until_the_end(), PATIENCE_S))
