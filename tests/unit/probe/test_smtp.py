from __future__ import annotations

import socket
import threading

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from tests.unit.probe.asking import HASTE_S, ask
from tests.unit.probe.strangers import dribbling, listener, saying

SMTP = ProbeKind.SMTP
GREETING = b"220 mail.example ESMTP ready\r\n"
CAPABLE = b"250-mail.example\r\n250-SIZE 1000\r\n250 HELP\r\n"
BYE = b"221 bye\r\n"


@pytest.mark.parametrize(
    "sentences",
    [
        [GREETING, CAPABLE, BYE],
        [b"220-first\r\n220-second\r\n220 third\r\n", b"250 ok\r\n", BYE],
        [b"220\r\n", b"250\n", b""],
    ],
)
def test_a_greeting_and_an_answer_to_ehlo_are_well(sentences: list[bytes]) -> None:
    with listener(saying(*sentences)) as port:
        result = ask(SMTP, port)

    assert result.ok
    assert result.detail == "greets and answers EHLO"


def test_the_client_says_ehlo_and_takes_leave() -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def server(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        heard.append(connection.recv(4096))
        connection.sendall(CAPABLE)
        heard.append(connection.recv(4096))
        connection.sendall(BYE)
        heard.append(connection.recv(4096))
        done.set()

    with listener(server) as port:
        assert ask(SMTP, port).ok
        assert done.wait(10)

    assert heard == [b"EHLO localhost\r\n", b"QUIT\r\n", b""]


def test_lines_may_come_in_pieces() -> None:
    stop = threading.Event()
    said = GREETING + CAPABLE + BYE  # whatever we say, it goes on
    with listener(dribbling(said, pause_s=0.001, stop=stop)) as port:
        assert ask(SMTP, port).ok


@pytest.mark.parametrize(
    ("sentences", "reason", "detail"),
    [
        ([b"554 go away\r\n"], Reason.STATUS, "answers 554 go away"),
        ([b"421-busy\r\n421 later\r\n"], Reason.STATUS, "answers 421 busy"),
        ([GREETING, b"502 no EHLO here\r\n"], Reason.STATUS, "answers 502 no EHLO here"),
        (
            [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
            Reason.PROTOCOL,
            "does not speak SMTP: answers 'HTTP/1.1 400 Bad Request'",
        ),
        ([b"+OK POP3\r\n"], Reason.PROTOCOL, "does not speak SMTP: answers '+OK POP3'"),
        ([b"\r\n"], Reason.PROTOCOL, "does not speak SMTP: answers ''"),
        ([b"999 odd\r\n"], Reason.PROTOCOL, "does not speak SMTP: answers '999 odd'"),
        ([b"220-on\r\n" * 200], Reason.PROTOCOL, "answers more than 100 lines"),
        ([b"220 " + b"x" * 5000], Reason.PROTOCOL, "answers a line of more than 1024 bytes"),
        ([b"220 \xff\x1b[31mred\r\n", b"5"], Reason.RESET, None),
        ([b"554 \xff\x1b[31mred\r\n"], Reason.STATUS, r"answers 554 \xff [31mred"),
        ([b"220-more to come\r\n"], Reason.RESET, None),
        ([GREETING], Reason.RESET, None),
    ],
)
def test_every_reply_has_its_reason(
    sentences: list[bytes], reason: Reason, detail: str | None
) -> None:
    with listener(saying(*sentences)) as port:
        result = ask(SMTP, port)

    assert result.reason is reason
    assert detail in (None, result.detail)


def test_a_server_that_greets_and_then_hangs_is_a_time_out() -> None:
    with listener(saying(GREETING, then_close=False)) as port:
        assert ask(SMTP, port, timeout_s=HASTE_S).reason is Reason.TIMEOUT
