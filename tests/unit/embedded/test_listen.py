from __future__ import annotations

import socket

import pytest

from alfred_dev.embedded.listen import check_free, listening
from alfred_dev.errors import AlfredError
from tests.servers import free_port


def test_a_free_port_is_taken_and_answers() -> None:
    with listening("127.0.0.1", 0) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            pass
        with pytest.raises(AlfredError, match=f"127.0.0.1:{port}: Address already in use"):
            check_free("127.0.0.1", port)
        with pytest.raises(AlfredError, match="in use") as caught:
            listening("127.0.0.1", port)
    assert caught.value.exit_code == 1
    assert str(port) in caught.value.fix[0]


def test_looking_does_not_keep_the_port() -> None:
    port = free_port()
    check_free("127.0.0.1", port)
    check_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AlfredError, match="cannot listen on 192.0.2.1:"):
        listening("192.0.2.1", 0)


def test_what_is_accepted_is_known_as_tcp() -> None:
    """Or asyncio leaves Nagle's algorithm on, and answers wait 40 ms for an acknowledgement."""
    with listening("127.0.0.1", 0) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
