"""The ngrok provider against the fake agent, which pyngrok starts as the real one."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alfred_dev.errors import TunnelError
from alfred_dev.host import processes
from alfred_dev.tunnel import agent, ngrok, registry, state
from alfred_dev.tunnel.base import Place
from alfred_dev.tunnel.model import State
from tests.fakes import install
from tests.fakes.install import FakeNgrok
from tests.servers import free_port
from tests.unit.tunnel import made

TOKEN = "2secret_tok_en"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNgrok:
    found = install.ngrok(tmp_path / "ngrok")
    monkeypatch.setenv("PATH", found.path)
    monkeypatch.setenv("NGROK_AUTHTOKEN", TOKEN)
    monkeypatch.setenv("HOME", str(tmp_path))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    found = made.home(tmp_path)
    (found / "run").mkdir()
    yield found
    agent.end(found / "run")


def provider(home: Path, name: str = "agent-core", domain: str = "") -> ngrok.Ngrok:
    return ngrok.Ngrok(place=Place(home=home, name=name, project="p"), domain=domain)


def test_a_tunnel_is_opened_asked_and_closed_by_the_agents_api(fake: FakeNgrok, home: Path) -> None:
    async def test() -> None:
        tunnel = provider(home)
        opened = await tunnel.open(free_port())
        assert opened.url.startswith("http://127.0.0.1:")
        reached = await tunnel.reach("/x")  # nobody listens there
        assert (reached.ok, reached.code) == (False, "ERR_NGROK_8012"), reached
        [pid, child] = agent.pids(home / "run")
        await tunnel.close()
        deadline = time.monotonic() + 5
        while any(map(processes.exists, (pid, child))) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert not any(map(processes.exists, (pid, child)))

    asyncio.run(test())


def test_the_token_is_in_no_command_line_environment_or_file(fake: FakeNgrok, home: Path) -> None:
    ngrok.ensure_agent(home / "run", TOKEN, str(fake.folder / "bin" / "ngrok"))
    assert fake.journal["config"]["authtoken"] == TOKEN
    assert TOKEN not in json.dumps([fake.journal["argv"], fake.journal["environ"]])
    for pid in agent.pids(home / "run"):
        for name in ("cmdline", "environ"):
            assert TOKEN.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    for path in home.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()
    config = fake.journal["config"]
    assert config["inspect_db_size"] == -1
    assert config["web_addr"].startswith("127.0.0.1:")


def test_one_agent_serves_all_and_outlives_none_of_its_users(fake: FakeNgrok, home: Path) -> None:
    async def test() -> None:
        one, two = provider(home), provider(home, "agent-rag")
        first, second = await one.open(1), await two.open(2)
        assert first.url != second.url
        assert len({*agent.pids(home / "run")}) == 2
        assert one.api == two.api
        await two.close()
        assert agent.noted(home / "run") is not None
        await one.close()

    asyncio.run(test())


def test_an_agent_whose_keeper_is_killed_ends_with_it(fake: FakeNgrok, home: Path) -> None:
    ngrok.ensure_agent(home / "run", TOKEN, str(fake.folder / "bin" / "ngrok"))
    keeper, child = agent.pids(home / "run")
    os.kill(keeper, 9)
    deadline = time.monotonic() + 5
    while processes.exists(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes.exists(child)
    assert agent.noted(home / "run") is None


def opening(home: Path, domain: str = "") -> TunnelError:
    async def test() -> TunnelError:
        with pytest.raises(TunnelError) as caught:
            await provider(home, domain=domain).open(1)
        return caught.value

    began = time.monotonic()
    error = asyncio.run(test())
    assert time.monotonic() - began < 10
    assert TOKEN not in f"{error.what}{error.cause}{error.fix}"
    return error


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("105", "tunnel-bad-token"),
        ("107", "tunnel-bad-token"),
        ("108", "tunnel-session-limit"),
        ("120", "tunnel-agent-old"),
        ("121", "tunnel-agent-old"),
        ("4018", "tunnel-no-token"),
        ("334", "tunnel-domain-taken"),
        ("changed", "tunnel-provider-changed"),
    ],
)
def test_refusals_are_told_apart(fake: FakeNgrok, home: Path, mode: str, code: str) -> None:
    fake.behave(mode)
    assert opening(home).code == code


@pytest.mark.parametrize(
    ("mode", "code"), [("offline", "tunnel-no-network"), ("silent", "tunnel-timeout")]
)
def test_an_agent_that_cannot_or_does_not_speak_is_told_in_time(
    fake: FakeNgrok, home: Path, mode: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.behave(mode)
    assert opening(home).code == code


def test_no_agent_and_no_token(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NGROK_AUTHTOKEN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert opening(home).code == "tunnel-no-agent"
    monkeypatch.setenv("PATH", install.ngrok(tmp_path / "ngrok").path)
    assert opening(home).code == "tunnel-no-token"


def test_where_the_plan_has_one_domain_a_second_tunnel_lies_below_the_first(
    fake: FakeNgrok, home: Path
) -> None:
    fake.behave("one-domain")

    async def test() -> None:
        first = provider(home)
        opened = await first.open(1)
        me = str(processes.identity(os.getpid()))
        record = made.record(
            name="agent-core", url=opened.url, state=State.OPEN, pid=os.getpid(), identity=me
        )
        state.put(home, record)
        second = await provider(home, "agent-rag").open(2)
        assert second.url == f"{opened.url}/agent-rag"
        assert (second.owner, second.mount) == ("agent-core", "/agent-rag")
        state.drop(home, "agent-core")
        with pytest.raises(TunnelError) as caught:  # nobody of ours has it any more
            await provider(home, "agent-legal").open(3)
        assert caught.value.code == "tunnel-domain-taken"

    asyncio.run(test())


def test_a_lost_agent_is_noticed(fake: FakeNgrok, home: Path) -> None:
    async def test() -> None:
        tunnel = provider(home)
        await tunnel.open(1)
        os.kill(fake.journal["pid"], 9)
        error = await asyncio.wait_for(tunnel.lost(), 10)
        assert error.code == "tunnel-agent-lost"
        opened = await tunnel.open(1)
        assert opened.url
        await tunnel.close()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (".config/ngrok/ngrok.yml", f"version: '3'\nagent:\n  authtoken: {TOKEN}\n"),
        (".config/ngrok/ngrok.yml", f"version: '2'\nauthtoken: {TOKEN}\n"),
        (".ngrok2/ngrok.yml", f"authtoken: {TOKEN}\n"),
        ("project/.env", f"NGROK_AUTHTOKEN={TOKEN}\n"),
    ],
)
def test_the_token_is_found_where_people_keep_it(tmp_path: Path, place: str, text: str) -> None:
    assert ngrok.find_token({}, tmp_path / "project", tmp_path) == ""
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert ngrok.find_token({}, tmp_path / "project", tmp_path) == TOKEN
    assert ngrok.find_token({"NGROK_AUTHTOKEN": "x"}, tmp_path / "project", tmp_path) == "x"


@pytest.mark.parametrize("text", ["[", "- 1", "agent: 3", "authtoken: ", ""])
def test_a_broken_file_of_ngrok_has_no_token(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".ngrok2" / "ngrok.yml"
    path.parent.mkdir()
    path.write_text(text)
    assert ngrok.find_token({}, tmp_path, tmp_path) == ""


def test_a_registry_of_two() -> None:
    assert registry.provider(made.spec(provider="ngrok")).name == "ngrok"
    assert registry.provider(made.spec(provider="ssh", ssh_host="me@x")).name == "ssh"
