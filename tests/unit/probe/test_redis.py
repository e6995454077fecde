from __future__ import annotations

import socket
import threading

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from tests import servers
from tests.unit.probe.asking import PASSWORD, ask
from tests.unit.probe.strangers import answering, listener, saying

REDIS = ProbeKind.REDIS
NOAUTH = b"-NOAUTH Authentication required.\r\n"


def test_a_server_that_takes_our_password_is_well(valkey: servers.Server) -> None:
    result = ask(REDIS, valkey.port)

    assert result.ok
    assert result.detail == "answers PING"


def test_the_user_of_the_url_is_used(valkey: servers.Server) -> None:
    assert ask(REDIS, valkey.port, user="default").ok
    assert ask(REDIS, valkey.port, user="nobody").reason is Reason.AUTH


@pytest.mark.parametrize("password", ["wrong", "ä" * 600, "two\r\nlines"])
def test_a_wrong_password_is_said_to_be_wrong(valkey: servers.Server, password: str) -> None:
    result = ask(REDIS, valkey.port, password=password)

    assert result.reason is Reason.AUTH
    assert result.detail.startswith("rejects the password: WRONGPASS")


def test_a_password_that_we_do_not_know_is_missing(valkey: servers.Server) -> None:
    result = ask(REDIS, valkey.port, password="")

    assert result.reason is Reason.AUTH
    assert result.detail == "asks for a password, and none is known"


def test_a_server_without_a_password_is_ill_where_we_have_one() -> None:
    with servers.valkey(password="") as open_to_all:
        unexpected = ask(REDIS, open_to_all.port)
        expected = ask(REDIS, open_to_all.port, password="")

    assert unexpected.reason is Reason.AUTH
    assert "asks for no password" in unexpected.detail
    assert expected.ok


def test_a_server_that_cannot_save_says_so() -> None:
    with servers.valkey(password="", options=["save 3600 1"]) as server:
        server.data.rmdir()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"SET key value\r\nBGSAVE\r\n")
            assert server.log.wait_for("Background saving error")
            result = ask(REDIS, server.port, password="")
        server.data.mkdir()

    assert result.reason is Reason.STATUS
    assert result.detail.startswith("MISCONF")


def test_a_server_with_too_many_clients_says_so() -> None:
    with (
        servers.valkey(password=PASSWORD, options=["maxclients 1"]) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        result = ask(REDIS, server.port)

    assert result.reason is Reason.STATUS
    assert "max number of clients" in result.detail


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([NOAUTH, b"+OK\r\n", b"-LOADING the dataset in memory\r\n"], Reason.STARTING),
        ([NOAUTH, b"+OK\r\n", b"-MISCONF Errors writing to the AOF file\r\n"], Reason.STATUS),
        ([NOAUTH, b"-ERR invalid password\r\n"], Reason.AUTH),
        ([NOAUTH, b"-ERR unknown command\r\n"], Reason.STATUS),
        ([NOAUTH, b"+PONG\r\n"], Reason.PROTOCOL),
        ([NOAUTH, b"+OK\r\n", b"+WHAT\r\n"], Reason.PROTOCOL),
        ([b"-DENIED Running in protected mode\r\n"], Reason.STATUS),
        ([b"+OK POP3 server ready\r\n"], Reason.PROTOCOL),
        ([b"$4\r\nPONG\r\n"], Reason.PROTOCOL),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], Reason.PROTOCOL),
        ([b"+" + b"x" * 5000], Reason.PROTOCOL),
        ([b"\r\n"], Reason.PROTOCOL),
        ([NOAUTH], Reason.RESET),
        ([b"+PO"], Reason.RESET),
        ([b""], Reason.RESET),
    ],
)  # fmt: skip
def test_every_reply_has_its_reason(answers: list[bytes], reason: Reason) -> None:
    with listener(answering(*answers)) as port:
        assert ask(REDIS, port).reason is reason


def test_the_first_bytes_may_come_from_the_server() -> None:
    with listener(saying(b"220 mail.example ESMTP\r\n", then_close=False)) as port:
        result = ask(REDIS, port)

    assert result.reason is Reason.PROTOCOL
    assert result.detail == "does not speak Redis: answers '220 mail.example ESMTP'"


def test_a_stranger_is_not_told_the_password() -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def stranger(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(b"+hello\r\n")
        heard.append(connection.recv(4096))
        done.set()

    with listener(stranger) as port:
        ask(REDIS, port)
        assert done.wait(10)

    assert heard == [b"*1\r\n$4\r\nPING\r\n", b""]


def test_an_echo_of_the_password_is_masked() -> None:
    echo = f"-ERR unknown command 'AUTH', beginning with: '{PASSWORD}'\r\n".encode()
    with listener(answering(NOAUTH, echo)) as port:
        result = ask(REDIS, port)

    assert result.detail == "ERR unknown command 'AUTH', beginning with: '***'"
