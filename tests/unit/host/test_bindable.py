"""Whether a port of loopback can be had, asked of the machine."""

from __future__ import annotations

import socket

import pytest

from alfred_dev.host import bindable
from tests.servers import free_port


def test_a_free_port_can_be_had() -> None:
    assert bindable.why_not(free_port()) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_that_somebody_listens_on_is_taken(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as holder:
        try:
            holder.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        holder.listen()
        assert bindable.why_not(holder.getsockname()[1]) == "it is taken"
