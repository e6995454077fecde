from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import threading
from typing import Any

import asyncpg
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import ProbeResult, Reason
from alfred_dev.probe.run import probe
from tests import servers
from tests.unit.probe.asking import HASTE_S, PASSWORD, PATIENCE_S, ask, target
from tests.unit.probe.strangers import answering, listener, saying

POSTGRES = ProbeKind.POSTGRES


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def refusal(sqlstate: str, text: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{sqlstate}\0M{text}\0".encode()
    return message(b"E", fields + b"\0")


SASL = message(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0")
WELCOME = (
    message(b"R", b"\0\0\0\0")
    + message(b"S", b"server_version\x0018.4\0")
    + message(b"K", b"\0\0\0\1\0\0\0\2")
    + message(b"Z", b"I")
)


def test_a_log_in_and_a_query_are_well(postgres: servers.Server) -> None:
    result = ask(POSTGRES, postgres.port)

    assert result.ok
    assert result.detail == "logs in and answers SELECT 1"


def test_a_password_beyond_ascii_is_prepared_as_the_server_does(postgres: servers.Server) -> None:
    password = "pässwörd \u2168\u00a0x"  # noqa: RUF001 - what SASLprep changes

    async def statement(text: str) -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=postgres.port, user="postgres", password=PASSWORD, ssl=False
        )
        await connection.execute(text)
        await connection.close()

    asyncio.run(statement(f"CREATE ROLE guest LOGIN PASSWORD '{password}'"))
    try:
        assert ask(POSTGRES, postgres.port, user="guest", password=password).ok
    finally:
        asyncio.run(statement("DROP ROLE guest"))


@pytest.mark.parametrize(
    ("more", "reason", "detail"),
    [
        (
            {"password": "wrong"},
            Reason.AUTH,
            'password authentication failed for user "postgres"',
        ),
        ({"password": ""}, Reason.AUTH, 'password authentication failed for user "postgres"'),
        ({"user": "nobody"}, Reason.AUTH, 'password authentication failed for user "nobody"'),
        (
            {"database": "none"},
            Reason.STATUS,
            'database "none" does not exist (SQLSTATE 3D000)',
        ),
        ({"user": ""}, Reason.AUTH, "no PostgreSQL user name specified in startup packet"),
    ],
)
def test_a_refusal_has_its_reason(
    postgres: servers.Server, more: dict[str, Any], reason: Reason, detail: str
) -> None:
    result = ask(POSTGRES, postgres.port, **more)

    assert (result.reason, result.detail) == (reason, detail)


def test_a_server_that_lets_nobody_in_yet_is_starting() -> None:
    with servers.postgres(standby=True) as server:
        result = ask(POSTGRES, server.port)

    assert result.reason is Reason.STARTING
    assert result.detail.startswith("the database system is ")


def test_a_server_without_a_password_is_ill_where_we_have_one() -> None:
    with servers.postgres(password="") as open_to_all:
        unexpected = ask(POSTGRES, open_to_all.port)
        expected = ask(POSTGRES, open_to_all.port, password="")

    assert unexpected.reason is Reason.AUTH
    assert unexpected.detail == "asks for no password: everybody here may use it"
    assert expected.ok


def test_a_server_that_does_not_know_our_password_is_found_out() -> None:
    def impostor(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(SASL)
        nonce = connection.recv(4096).rpartition(b"r=")[2]
        challenge = b"r=" + nonce + b"more,s=AAAA,i=1"
        connection.sendall(message(b"R", b"\0\0\0\x0b" + challenge))
        connection.recv(4096)
        connection.sendall(message(b"R", b"\0\0\0\x0cv=AAAA") + WELCOME)

    with listener(impostor) as port:
        result = ask(POSTGRES, port)

    assert result.reason is Reason.AUTH
    assert result.detail.endswith("the server does not know the password itself")


def test_a_server_that_hangs_is_a_time_out(postgres: servers.Server) -> None:
    os.kill(postgres.pid, signal.SIGSTOP)
    try:
        assert ask(POSTGRES, postgres.port, timeout_s=HASTE_S).reason is Reason.TIMEOUT
    finally:
        os.kill(postgres.pid, signal.SIGCONT)

    assert ask(POSTGRES, postgres.port).ok


def test_a_server_on_its_way_down_says_so() -> None:
    async def asked_while_a_client_keeps_it_up(server: servers.Server) -> ProbeResult:
        client = await asyncpg.connect(
            host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD, ssl=False
        )
        os.kill(server.pid, signal.SIGTERM)
        assert await asyncio.to_thread(server.log.wait_for, "smart shutdown request")
        result = await probe(target(POSTGRES, server.port), timeout_s=PATIENCE_S)
        client.terminate()
        return result

    with servers.postgres(password=PASSWORD) as server:
        result = asyncio.run(asked_while_a_client_keeps_it_up(server))

    assert result.reason is Reason.STARTING
    assert result.detail == "the database system is shutting down"


def test_a_probe_leaves_no_trace_in_the_log() -> None:
    with servers.postgres(password=PASSWORD) as server:
        before = len(str(server.log))
        for _ in range(3):
            assert ask(POSTGRES, server.port).ok
        ask(POSTGRES, server.port, database="marker")
        assert server.log.wait_for('"marker" does not exist')
        traces = str(server.log)[before:].splitlines()

    assert len(traces) == 1


def test_no_variable_of_other_clients_matters(
    postgres: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE", "SSLMODE", "SSLROOTCERT",
                 "SSLNEGOTIATION", "TARGETSESSIONATTRS", "SERVICE", "PASSFILE", "OPTIONS",
                 "GSSLIB", "KRBSRVNAME"):  # fmt: skip
        monkeypatch.setenv(f"PG{name}", "direct" if name == "SSLNEGOTIATION" else "nonsense")

    assert ask(POSTGRES, postgres.port).ok


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.PROTOCOL),
        (b"220 mail.example ESMTP\r\n", Reason.PROTOCOL),
        (b"-ERR unknown command\r\n", Reason.PROTOCOL),
        (b"S", Reason.PROTOCOL),
        (b"Rubbish", Reason.PROTOCOL),
        (b"ERROR: what?\n", Reason.PROTOCOL),
        (b"E\0\0\0\3", Reason.PROTOCOL),
        (b"E\0\0\0\4", Reason.STATUS),
        (b"X\0\0\0\4\0\0\0\0\0", Reason.PROTOCOL),
        (message(b"N", b"") * 1001, Reason.PROTOCOL),
        (b"R\xff\xff\xff\xff", Reason.PROTOCOL),
        (message(b"R", b"\0\0\0\3"), Reason.AUTH),  # in clear
        (message(b"R", b"\0\0\0\5salt"), Reason.AUTH),  # MD5
        (message(b"R", b"\0\0\0\x0aSCRAM-NEW\0\0"), Reason.AUTH),
        (message(b"R", b""), Reason.AUTH),
        (SASL + message(b"R", b"\0\0\0\0"), Reason.PROTOCOL),
        (SASL + message(b"R", b"\0\0\0\x0br=another,s=AAAA,i=1"), Reason.AUTH),
        (SASL + message(b"R", b"\0\0\0\x0b\xff\xfe"), Reason.AUTH),
        (refusal("57P03", "the database system is starting up"), Reason.STARTING),
        (refusal("53300", "sorry, too many clients already"), Reason.STATUS),
        (refusal("28000", "no pg_hba.conf entry"), Reason.AUTH),
        (message(b"E", b"C\xff\xfe\0M\xff\x1b[31m\0\0"), Reason.STATUS),
        (message(b"E", b"\0\0\0\0"), Reason.STATUS),
    ],
)
def test_every_answer_has_its_reason(answer: bytes, reason: Reason) -> None:
    with listener(answering(answer, then_close=False)) as port:
        assert ask(POSTGRES, port).reason is reason


@pytest.mark.parametrize("answer", [b"", b"R", b"R\0\0\0\x08", SASL])
def test_an_answer_that_is_cut_off_is_no_answer(answer: bytes) -> None:
    with listener(answering(answer)) as port:
        assert ask(POSTGRES, port).reason is Reason.RESET


@pytest.mark.parametrize("said", [b"R", b"E\0\0", message(b"E", b"x" * 99)[:-1]])
def test_half_a_message_is_a_time_out(said: bytes) -> None:
    with listener(saying(said, then_close=False)) as port:
        assert ask(POSTGRES, port, timeout_s=HASTE_S).reason is Reason.TIMEOUT


def test_a_query_without_an_answer_is_a_time_out() -> None:
    with listener(answering(WELCOME, then_close=False)) as port:
        assert ask(POSTGRES, port, timeout_s=HASTE_S, password="").reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal("57014", "canceling statement"), Reason.STATUS),
        (message(b"T", b"") + message(b"D", b"\0\1\0\0\0\x012"), Reason.PROTOCOL),
        (message(b"T", b"") + message(b"C", b"SELECT 0\0"), Reason.PROTOCOL),
        (message(b"T", b"") + message(b"D", b"\0\1\0\0\0\x011"), Reason.OK),
    ],
)
def test_only_1_is_1(answer: bytes, reason: Reason) -> None:
    with listener(answering(WELCOME, answer, then_close=False)) as port:
        assert ask(POSTGRES, port, password="").reason is reason


def test_a_probe_that_is_cancelled_in_its_query_leaves_nothing() -> None:
    asked = threading.Event()

    def server(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(WELCOME)
        if connection.recv(4096):
            asked.set()
        while connection.recv(4096):
            pass

    async def cancelled(port: int) -> None:
        task = asyncio.create_task(probe(target(POSTGRES, port, password=""), timeout_s=10))
        assert await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with listener(server) as port:
        asyncio.run(cancelled(port))
