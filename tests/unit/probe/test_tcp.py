from __future__ import annotations

import socket
import sys

import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from tests.unit.probe.asking import HASTE_S, ask
from tests.unit.probe.strangers import listener, silent, unused_port

TCP = ProbeKind.TCP


def test_a_listener_is_enough() -> None:
    with listener(silent) as port:
        result = ask(TCP, port)

    assert result.ok
    assert result.detail == "accepts connections"


@pytest.mark.skipif(sys.platform != "linux", reason="others make room for more than they are told")
def test_a_listener_that_has_no_room_left_is_a_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(8)]
        for member in crowd:
            member.setblocking(False)
            member.connect_ex(("127.0.0.1", port))
        result = ask(TCP, port, timeout_s=HASTE_S)
        for member in crowd:
            member.close()

    assert result.reason is Reason.TIMEOUT


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_a_listener_on_ipv6_only_is_not_ours() -> None:
    with unused_port() as port, socket.create_server(("::1", port), family=socket.AF_INET6):
        result = ask(TCP, port)

    assert result.reason is Reason.REFUSED


def test_a_host_that_does_not_exist_is_an_answer() -> None:
    for host in ("a" * 70 + ".invalid", "127.0.0.1\0"):  # neither reaches a name server
        assert ask(TCP, 1, host=host).reason is Reason.OTHER


def test_a_port_that_does_not_exist_is_an_answer() -> None:
    assert ask(TCP, 70000).reason is Reason.OTHER
