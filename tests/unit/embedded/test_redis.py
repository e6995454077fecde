from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.redis import configuration, quoted
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ODD, Running


class Client:
    """Speaks RESP: one command, one answer, as text."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), running.TIMEOUT_S)
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def ask(self, *words: str) -> str:
        parts = [os.fsencode(word) for word in words]
        bulk = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.socket.sendall(b"*%d\r\n%s" % (len(parts), bulk))
        return self.answer()

    def answer(self) -> str:
        line = self.file.readline().decode().strip()
        if line.startswith("$") and line != "$-1":
            return self.file.read(int(line[1:]) + 2)[:-2].decode()
        if line.startswith("*"):
            return " ".join(self.answer() for _ in range(int(line[1:])))
        return line


def spec_for(data: Path, port: int = 0) -> EmbeddedSpec:
    ports = [running.listener(port or free_port(), ProbeKind.REDIS)]
    return running.spec_of("redis", ports, stands_in=False, data=data)


def client(server: Running, password: str = ODD) -> closing[Client]:
    connection = Client(server.port)
    assert connection.ask("AUTH", password) == "+OK"
    return closing(connection)


def test_a_first_day(tmp_path: Path) -> None:
    """The password, the settings, secrecy, and what a crash keeps."""
    data = tmp_path / "a folder with é and spaces" / ("long" * 30) / "redis"
    with running.redis(data) as server:
        with closing(Client(server.port)) as stranger:
            assert stranger.ask("PING").startswith("-NOAUTH")
            assert stranger.ask("AUTH", "wrong").startswith("-WRONGPASS")
            assert stranger.ask("AUTH", ODD) == "+OK"
            assert stranger.ask("PING") == "+PONG"
        process = psutil.Process(server.process.pid)
        assert ODD not in " ".join([*process.cmdline(), *process.environ().values()])
        assert ODD not in server.text
        listeners = [c.laddr.ip for c in process.net_connections("all") if c.status == "LISTEN"]
        assert listeners == ["127.0.0.1"]
        with client(server) as connection:
            assert connection.ask("CONFIG", "GET", "appendfsync") == "appendfsync everysec"
            assert connection.ask("CONFIG", "GET", "save").strip() == "save"
            assert connection.ask("CONFIG", "GET", "protected-mode") == "protected-mode yes"
            assert connection.ask("SET", "kept", "before the crash") == "+OK"
            # Answers when the append-only file is on the disk, which takes at most a second.
            assert connection.ask("WAITAOF", "1", "0", "0") == ":1 :0"
        server.end(signal.SIGKILL)
    with running.redis(data) as server, client(server) as connection:
        assert connection.ask("GET", "kept") == "before the crash"
    assert "WARNING" not in re.sub(r".*overcommit.*\n", "", server.text)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0 for p in data.rglob("*"))
    assert not [p for p in data.rglob("*") if p.is_file() and ODD.encode() in p.read_bytes()]


@pytest.mark.parametrize(
    "password", ["'", "\\", '"\\"', "# no comment", "a\nb\tc", "\udcff", "$HOME"]
)
def test_odd_passwords_arrive_as_they_are(tmp_path: Path, password: str) -> None:
    with (
        running.redis(tmp_path / "redis", password=password) as server,
        closing(Client(server.port)) as connection,
    ):
        assert connection.ask("AUTH", password) == "+OK"


def test_the_end_is_quick_and_in_order(tmp_path: Path) -> None:
    with running.redis(tmp_path / "redis") as server:
        assert server.end(signal.SIGTERM) < 0.5
    assert server.process.returncode == 0


def test_no_start_without_a_password(tmp_path: Path) -> None:
    code, lines = running.run_to_end(spec_for(tmp_path / "redis"), {"REDIS_PASSWORD": ""})
    assert code == 2
    assert len(lines) == 1 and "REDIS_PASSWORD is not set" in lines[0]


def test_a_second_one_on_the_same_port_says_so_in_one_line(tmp_path: Path) -> None:
    with running.redis(tmp_path / "one") as first:
        spec = spec_for(tmp_path / "two", first.port)
        code, lines = running.run_to_end(spec, {"REDIS_PASSWORD": ODD})
    assert code == 1
    assert len(lines) == 1 and "Address already in use" in lines[0]


@running.ROOT_ON_LINUX
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "redis"
    data.mkdir(mode=0o700)
    os.chown(data, 12345, 12345)
    code, lines = running.run_to_end(
        spec_for(data), {"REDIS_PASSWORD": ODD}, prefix=running.NOT_ROOT
    )
    assert code == 78
    assert len(lines) == 1 and "belongs to user" in lines[0] and "chown -R 1000" in lines[0]


@running.ROOT_ON_LINUX
def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    code, lines = running.run_to_end(
        spec_for(tmp_path / "redis"), {"REDIS_PASSWORD": ODD}, prefix=running.NOT_ROOT
    )
    assert code == 1
    assert len(lines) == 1 and "Permission denied" in lines[0] and str(tmp_path) in lines[0]


@given(st.binary(max_size=200))
def test_a_quoted_value_is_one_word_whatever_it_holds(value: bytes) -> None:
    word = quoted(os.fsdecode(value))
    assert re.fullmatch(rb'"([A-Za-z0-9/._-]|\\x[0-9a-f]{2})*"', word.encode())
    inner = word[1:-1].encode()
    assert re.sub(rb"\\x(..)", lambda m: bytes.fromhex(m[1].decode()), inner) == value


def test_the_configuration_is_one_directive_a_line() -> None:
    text = configuration(bind="127.0.0.1", port=1, data=Path("/a\nb"), password="x\nsave 1 1")
    names = [line.split(" ")[0] for line in text.splitlines()]
    assert names.count("save") == 1 and len(set(names)) == len(names)


def test_stdin_is_what_was_fed() -> None:
    code = (
        "import sys; from alfred_dev.embedded.redis import feed_stdin;"
        "feed_stdin('one\\ntwo é\\n'); print(sys.stdin.read(), end='')"
    )
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True)
    assert done.stdout == "one\ntwo é\n".encode(), done.stderr
