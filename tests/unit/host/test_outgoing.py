"""From which ports connections are made, as the kernel has it."""

from __future__ import annotations

import socket
import sys

import pytest

from alfred_dev.host import outgoing
from alfred_dev.host.outgoing import Outgoing

HEAD = "  sl  local_address rem_address   st tx_queue\n"
ROWS = (
    "   0: 0100007F:18EB 00000000:0000 0A 0:0\n"  # listens
    "   1: 0100007F:9C40 0100007F:18EB 01 0:0\n"
    "   2: 0100007F:9C41 0100007F:18EB 06 0:0\n"  # was closed just now
    "   3: 0100007F:9C42 0200007F:18EB 01 0:0\n"  # leads elsewhere
    "   4: 0100007F:18EB 0100007F:9C40 01 0:0\n"  # the other end
)


def test_connections_to_one_place_are_counted() -> None:
    found = outgoing.counted("40000\t40009\n", HEAD + ROWS)
    assert found == Outgoing(ports=10, taken=2, busiest=6379)
    assert outgoing.counted("40000 40009", HEAD) == Outgoing(ports=10)


@pytest.mark.skipif(sys.platform != "linux", reason="it is the kernel of Linux that is read")
def test_this_machine_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            found = outgoing.look()
    assert found.ports > 0
