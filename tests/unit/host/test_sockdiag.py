"""Netlink's answer: recorded blocks, damaged ones, and the real kernel."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.host import sockdiag
from alfred_dev.host.sockdiag import Socket

# 127.0.0.1:8080 of user 1000, inode 12345, as linux/inet_diag.h lays it out; then "done".
V4 = bytes([socket.AF_INET, 10, 0, 0]) + struct.pack(">HH", 8080, 0) + bytes([127, 0, 0, 1])
V6 = bytes([socket.AF_INET6, 10, 0, 0]) + struct.pack(">HH", 8081, 0) + bytes(15) + b"\1"


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def answer(start: bytes, uid: int, inode: int) -> bytes:
    return message(20, start.ljust(64, b"\0") + struct.pack("=II", uid, inode))


BLOCK = answer(V4, 1000, 12345) + answer(V6, 0, 777) + message(3, bytes(4))


def test_a_block_is_read_to_its_end() -> None:
    sockets = [
        Socket(address="127.0.0.1", port=8080, uid=1000, inode=12345),
        Socket(address="::1", port=8081, uid=0, inode=777),
    ]
    assert sockdiag.parse(BLOCK) == (sockets, True)
    assert sockdiag.parse(answer(V4, 1000, 12345)) == (sockets[:1], False)


def test_the_kernel_may_refuse() -> None:
    refusal = message(2, struct.pack("=i", -errno.ENOENT) + bytes(16))
    with pytest.raises(OSError, match="does not list") as caught:
        sockdiag.parse(refusal)
    assert caught.value.errno == errno.ENOENT


@given(st.integers(0, len(BLOCK)), st.binary(max_size=20), st.integers(0, 20))
def test_a_damaged_block_is_an_os_error_or_an_answer(at: int, new: bytes, cut: int) -> None:
    try:
        found, _ = sockdiag.parse(BLOCK[:at] + new + BLOCK[at + cut :])
    except OSError:
        return
    assert all(0 <= one.port <= 65535 for one in found)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_os_error_or_an_answer(block: bytes) -> None:
    try:
        sockdiag.parse(block)
    except OSError:
        return


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_the_real_kernel_lists_a_listener(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        inode, port = os.fstat(server.fileno()).st_ino, server.getsockname()[1]
        wanted = Socket(address=address, port=port, uid=os.getuid(), inode=inode)
        assert wanted in sockdiag.listening()
    assert wanted not in sockdiag.listening()


def test_many_listeners_take_many_blocks() -> None:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(500)]
    try:
        ports = {server.getsockname()[1] for server in servers}
        assert ports <= {found.port for found in sockdiag.listening()}
    finally:
        for server in servers:
            server.close()
