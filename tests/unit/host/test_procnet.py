"""Parser of /proc/net/tcp and tcp6 on recorded text; look-ups on this very process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.host import procnet, sockdiag
from alfred_dev.host.sockdiag import Socket
from tests.unit.host.texts import mutations

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 000000009ec20039 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000003 00:00000000 00000000   104        0 222 1 00000000d49e9280 100 0 0 10 0
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 02:000004A5 00000000  1000        0 333 2 000000008d49e928 20 4 30 10 -1
   3: 020200C0:EB36 507100CB:01BB 06 00000000:00000000 03:0000172E 00000000     0        0 0 3 000000002de2b39e
"""  # noqa: E501 - recorded
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:B1AD 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 61803 1 000000008d49e928 100 0 0 10 0
   1: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 61804 1 0000000024dcdc0e 100 0 0 10 0
  10: 0000000000000000FFFF00000100007F:1539 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 61805 1 0000000024dcdc0f 100 0 0 10 0
  11: B80D01200000000067452301EFCDAB89:153A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 61806 1 0000000024dcdc10 100 0 0 10 0
"""  # noqa: E501 - recorded; the last two lines are made from the kernel's format


def test_only_listening_sockets_of_ipv4_are_read() -> None:
    assert procnet.parse(TCP) == [
        Socket(address="127.0.0.1", port=8080, uid=0, inode=12345),
        Socket(address="0.0.0.0", port=22, uid=104, inode=222),
    ]


def test_ipv6_words_are_little_endian() -> None:
    assert procnet.parse(TCP6) == [
        Socket(address="::", port=45485, uid=0, inode=61803),
        Socket(address="::1", port=5432, uid=1000, inode=61804),
        Socket(address="::ffff:127.0.0.1", port=5433, uid=65534, inode=61805),
        Socket(address="2001:db8::123:4567:89ab:cdef", port=5434, uid=0, inode=61806),
    ]


def test_an_empty_table_has_no_listener() -> None:
    assert procnet.parse("") == procnet.parse(TCP.splitlines()[0]) == []


@given(mutations(TCP + TCP6))
def test_a_damaged_table_never_raises_and_yields_only_ports(text: str) -> None:
    for found in procnet.parse(text):
        assert 0 <= found.port <= 65535
        assert socket.inet_pton(
            socket.AF_INET6 if ":" in found.address else socket.AF_INET, found.address
        )


@given(st.text())
def test_any_text_never_raises(text: str) -> None:
    assert procnet.parse(text) == []


def test_a_socket_of_ours_is_found_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = [s for s in procnet.listening() if s.port == port]
        assert [(s.address, s.uid) for s in found] == [("127.0.0.1", os.getuid())]
        assert procnet.holders(found) == {os.fstat(server.fileno()).st_ino: os.getpid()}


def test_the_tables_say_what_netlink_says() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as two,
    ):
        ports = {sock.getsockname()[1] for sock in (one, two)}
        tables = {found for found in procnet.tables() if found.port in ports}
        assert tables == {found for found in sockdiag.listening() if found.port in ports}
        assert len(tables) == 2


def test_of_processes_that_share_a_socket_the_parent_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = [s for s in procnet.listening() if s.port == server.getsockname()[1]]
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[server.fileno()]
        )
        try:
            inode = os.fstat(server.fileno()).st_ino
            assert inode in procnet.inodes(child.pid) & procnet.inodes(os.getpid())
            assert procnet.holders(found) == {inode: min(os.getpid(), child.pid)}
        finally:
            child.communicate(b"\n")


def test_nothing_wanted_means_no_process_is_asked() -> None:
    assert procnet.holders([]) == {}


def test_this_process_has_a_program_and_a_command_line() -> None:
    assert Path(sys.executable).resolve().name == procnet.program(os.getpid())
    assert "python" in procnet.command(os.getpid())


def test_a_process_that_has_ended_has_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert procnet.program(child.pid) == procnet.command(child.pid) == ""
    assert procnet.inodes(child.pid) == set()
