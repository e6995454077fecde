from __future__ import annotations

import contextlib
import os
import random
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.embedded import running
from tests.unit.embedded.mail import servers
from tests.unit.embedded.mail.servers import letter, send, smtp, subjects, web
from tests.unit.embedded.running import Running

MB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with servers.ours(tmp_path_factory.mktemp("mail") / "data") as service:
        yield service
        assert service.process.poll() is None and "Traceback" not in service.text


def memory(server: Running) -> int:
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024


def works(server: Running) -> None:
    send(server, letter("still here"))
    with web(server) as client:
        assert subjects(client)[0] == "still here"


def test_nothing_acknowledged_is_lost_by_a_kill_under_load(tmp_path: Path) -> None:
    acknowledged: list[str] = []

    def flood(service: Running, name: str) -> None:
        with contextlib.suppress(OSError, smtplib.SMTPException), smtp(service) as client:
            for n in range(10_000):
                client.send_message(letter(f"{name}-{n}"))
                acknowledged.append(f"{name}-{n}")

    with servers.ours(tmp_path / "data") as service:
        floods = [threading.Thread(target=flood, args=(service, f"{n}")) for n in range(4)]
        for one in floods:
            one.start()
        while len(acknowledged) < 200:
            assert any(one.is_alive() for one in floods)
        service.end(signal.SIGKILL)
        for one in floods:
            one.join()
    with servers.ours(tmp_path / "data") as service, web(service) as client:
        kept = set(subjects(client, "/api/v1/messages?limit=1000"))
        total = client.get("/api/v1/messages").json()["total"]
        assert total < 1000 and set(acknowledged) <= kept


def test_a_broken_file_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    broken = data / "mail.db"
    broken.write_bytes(b"this is no database" * 1000)
    code, lines = running.run_to_end(servers.spec(data))
    assert code == os.EX_CONFIG and len(lines) == 1
    assert f"mv {broken} {broken}.broken" in lines[0] and "alfred-dev up mail-server" in lines[0]
    assert broken.read_bytes() == b"this is no database" * 1000
    broken.unlink()
    with servers.ours(data) as service:
        send(service, *(letter(f"{n}", "x" * 5000) for n in range(20)))
        service.end(signal.SIGTERM)
    whole = broken.read_bytes()
    torn = bytearray(whole)
    torn[2 * 4096 : 6 * 4096] = os.urandom(4 * 4096)
    broken.write_bytes(torn)
    for more in ("-wal", "-shm"):
        broken.with_name(broken.name + more).unlink(missing_ok=True)
    code, lines = running.run_to_end(servers.spec(data))
    assert code == os.EX_CONFIG and "cannot be read" in lines[-1]
    assert broken.read_bytes() == torn


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with contextlib.closing(sqlite3.connect(data / "mail.db")) as db:
        db.execute("PRAGMA user_version = 99")
    code, lines = running.run_to_end(servers.spec(data))
    assert code == os.EX_CONFIG and "it is of version 99" in lines[0]


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounts a small disk")
def test_a_full_disk_is_told_to_the_sender_and_survived(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    inside = f'{" ".join(mount)} && exec "$@"'
    prefix = ["unshare", "--mount", "--", "sh", "-c", inside, "sh"]
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("no mount namespaces here")
    with servers.ours(small / "data", prefix=prefix) as service:
        send(service, letter("fits"))
        with smtp(service) as client, pytest.raises(smtplib.SMTPDataError) as caught:
            client.send_message(letter("too large", ("x" * 900 + "\n") * 4096))
        assert caught.value.smtp_code == 452 and b"disk is full" in caught.value.smtp_error
        send(service, letter("fits again"))
        with web(service) as client:
            assert subjects(client) == ["fits again", "fits"]
        assert "Traceback" not in service.text


def test_a_mail_of_50_mb_is_refused_without_being_kept(server: Running) -> None:
    works(server)
    before = memory(server)
    with smtp(server) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as told:
            client.sendmail("a@x", ["b@x"], b"x\r\n" * (50 * MB // 3))
        assert told.value.smtp_code == 552
    with smtp(server) as client:  # without saying its size
        client.ehlo()
        client.mail("a@x")
        client.rcpt("b@x")
        assert client.docmd("DATA")[0] == 354
        for _ in range(50):
            client.send((b"x" * 1022 + b"\r\n") * 1024)
        assert client.docmd(".")[0] == 552
    assert memory(server) - before < 80 * MB
    works(server)


def test_500_idle_connections_are_held(server: Running) -> None:
    with contextlib.ExitStack() as stack:
        for n in range(500):
            port = server.spec.ports[n % 2].listen
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            if n % 4 == 2:
                idle.sendall(b"EHLO half")
        works(server)


def test_a_client_that_never_reads_holds_up_nobody(server: Running) -> None:
    before = memory(server)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            one = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=1)
            )
            with contextlib.suppress(OSError):
                one.sendall(b"NOOP\r\n" * 200_000)
            port = server.spec.ports[1].listen
            two = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            two.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        send(server, *(letter() for _ in range(50)))
        works(server)
        assert memory(server) - before < 60 * MB


def junk(source: random.Random) -> bytes:
    noise = source.randbytes(source.randrange(1, 3000))
    commands = [
        b"EHLO ",
        b"MAIL FROM:",
        b"RCPT TO:<",
        b"AUTH PLAIN ",
        b"STARTTLS\r\n\x16\x03",
        b"DATA",
    ]
    command = source.choice(commands)
    if source.randrange(2):
        return b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n" + command + noise + b"\r\n"
    return command + noise + b"\r\n.\r\n"


def test_malformed_commands_neither_crash_it_nor_make_it_grow(server: Running) -> None:
    source = random.Random(8)

    def throw(count: int) -> None:
        for n in range(count):
            port = server.spec.ports[n % 2].listen
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            with one, contextlib.suppress(OSError):
                one.sendall(junk(source))
                one.settimeout(0.01)
                one.recv(100)

    throw(200)
    before = memory(server)
    throw(500)
    assert memory(server) - before < 15 * MB
    works(server)
