"""Who holds our ports: the judgement on made-up listeners, the look on real sockets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import alfred_dev
from alfred_dev.host import listeners, lsof
from alfred_dev.host.listeners import can_bind, conflicts, unlisted
from tests.unit.host.judging import hidden, judged, listener

PACKAGE = Path(alfred_dev.__file__).parent
NOBODY = 65534


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"]
)
def test_what_is_in_the_way_of_localhost_is_a_conflict(address: str) -> None:
    assert [c.port for c in judged(listener(15432, address))] == [15432]


@pytest.mark.parametrize("address", ["127.0.0.2", "192.168.1.5", "fe80::1", "2001:db8::1"])
def test_other_addresses_of_the_machine_are_not(address: str) -> None:
    assert judged(listener(15432, address)) == []


def test_other_ports_and_our_own_processes_are_not() -> None:
    assert judged(listener(15433), listener(15432, pid=7), own_pids=(7,)) == []


def test_one_process_on_two_addresses_is_one_conflict() -> None:
    (conflict,) = judged(
        listener(15432, "::"), listener(15432, "0.0.0.0"), listener(15432, "0.0.0.0")
    )
    assert conflict.addresses == ("0.0.0.0", "::")
    assert str(conflict) == (
        "15432 db-postgres          held by server (pid 812): /bin/server -p on 0.0.0.0 and [::]"
    )
    assert conflict.fix == ("kill 812",)


def test_each_holder_of_a_port_is_a_conflict_of_its_own_in_order_of_ports() -> None:
    found = judged(
        listener(16379), hidden(15432, user="bob"), listener(15432, pid=9), hidden(15432)
    )
    assert [(c.port, c.pid, c.user) for c in found] == [
        (15432, None, "bob"),
        (15432, None, "root"),
        (15432, 9, "alice"),
        (16379, 812, "alice"),
    ]


def test_a_hidden_holder_is_named_by_its_user() -> None:
    (conflict,) = judged(hidden(15432))
    assert str(conflict) == (
        "15432 db-postgres          held by a process of user root "
        "(pid not visible to this user) on 127.0.0.1"
    )
    assert conflict.fix == ("sudo ss -ltnp 'sport = :15432'",)


def test_a_known_product_is_named_with_its_own_way_out() -> None:
    (conflict,) = judged(listener(16379, program="docker-proxy"))
    assert str(conflict).endswith("on 127.0.0.1; a container that Docker publishes")
    assert conflict.fix == ("docker stop $(docker ps -q --filter publish=16379)",)


def test_a_process_without_a_name_is_still_one() -> None:
    (conflict,) = judged(listener(15432, program="", command=""))
    assert "held by a process (pid 812) on 127.0.0.1" in str(conflict)


def server(address: str, *, dual: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, 0), family=family, dualstack_ipv6=dual)


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::"])
def test_a_real_listener_is_seen_with_its_process(address: str) -> None:
    with server(address) as sock:
        (found,) = listeners.listeners([port_of(sock)])
    assert (found.address, found.pid, found.uid) == (address, os.getpid(), os.getuid())
    assert found.program == Path(sys.executable).resolve().name
    assert "python" in found.command


def test_a_dual_stack_listener_is_in_the_way() -> None:
    with server("::", dual=True) as sock:
        ports = {port_of(sock): "redis"}
        (conflict,) = conflicts(ports, listeners.listeners(ports), own_pids=())
        assert conflict.addresses == ("::",)
        assert can_bind(port_of(sock))


def test_ipv4_and_ipv6_listeners_of_one_process_are_one_conflict() -> None:
    with server("0.0.0.0") as sock, socket.socket(socket.AF_INET6) as second:
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        second.bind(("::", port_of(sock)))
        second.listen()
        ports = {port_of(sock): "redis"}
        (conflict,) = conflicts(ports, listeners.listeners(ports), own_pids=())
    assert conflict.addresses == ("0.0.0.0", "::")


def test_a_listener_on_ipv6_alone_is_a_conflict_though_the_port_can_be_bound() -> None:
    with server("::1") as sock:
        ports = {port_of(sock): "redis"}
        assert len(conflicts(ports, listeners.listeners(ports), own_pids=())) == 1
        assert can_bind(port_of(sock)) is None


def test_all_listeners_contain_each() -> None:
    with server("127.0.0.1") as one, server("::1") as two:
        ports = {found.port for found in listeners.listeners()}
        assert {port_of(one), port_of(two)} <= ports


def test_what_is_bound_but_does_not_listen_is_only_found_by_binding() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        ports = {port_of(sock): "redis"}
        assert listeners.listeners(ports) == []
        (conflict,) = unlisted(ports, [], platform="linux")
        assert str(conflict).endswith(
            "cannot be used: something holds it that cannot be seen from here"
        )
        assert conflict.fix == (f"sudo ss -ltnp 'sport = :{port_of(sock)}'",)
        assert unlisted(ports, [conflict]) == []


def test_a_port_that_this_user_may_not_open_is_no_trouble_where_an_engine_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "this user may not listen on it"
    monkeypatch.setattr(listeners, "can_bind", lambda port: said)
    assert [c.reason for c in unlisted({443: "gateway"}, [])] == [said]
    assert unlisted({443: "gateway"}, [], published={"gateway"}) == []


def test_connections_that_linger_after_their_end_are_not_in_the_way() -> None:
    with server("127.0.0.1") as sock:
        port = port_of(sock)
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = sock.accept()
            accepted.close()  # the side that closes first lingers (TIME_WAIT)
            assert client.recv(1) == b""
    assert can_bind(port) is None
    assert unlisted({port: "redis"}, []) == []


def test_dialling_finds_who_answers() -> None:
    with server("0.0.0.0") as sock:
        port = port_of(sock)
        assert can_bind(port, dial=True)
    assert can_bind(port, dial=True) is None


def test_text_of_others_cannot_steer_the_terminal() -> None:
    record = lsof.Record(
        pid=1, program="a\x1b[2J", uid=0, user="root", address="::1", port=1
    )  # fmt: skip
    found = listeners._from_lsof(record, "x\x1b]0;title\x07 " + "y" * 500)
    assert found.program == "a?[2J"
    assert found.command.startswith("x?]0;title? yyy")
    assert len(found.command) == listeners.COMMAND_LENGTH


def test_names_that_lsof_cuts_are_completed_from_the_command_line() -> None:
    record = lsof.Record(
        pid=1, program="redis-ser", uid=501, user="alice", address="::1", port=1
    )  # fmt: skip
    found = listeners._from_lsof(record, "/opt/homebrew/bin/redis-server 127.0.0.1:1")
    assert found.program == "redis-server"


@contextmanager
def readable_copy() -> Iterator[Path]:
    """Copy what the look needs to where every user may read it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder, "alfred_dev")
        shutil.copytree(PACKAGE / "host", copy / "host")
        for name in ("__init__.py", "errors.py"):
            shutil.copy(PACKAGE / name, copy)
        yield Path(folder)


def as_nobody(code: str) -> Any:
    """Run ``code`` as an unprivileged user; return the JSON it prints."""
    python = "/usr/bin/python3"
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to become another user")
    if not Path(python).exists() or subprocess.run([python, "-c", version]).returncode:
        pytest.skip("needs a Python >= 3.11 that every user may run")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    with readable_copy() as folder:
        command = [*become, python, "-B", "-c", code]
        answer = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return json.loads(answer.stdout)


def test_without_privilege_the_user_is_known_though_the_process_is_not() -> None:
    with server("127.0.0.1") as sock:
        port = port_of(sock)
        seen = as_nobody(
            "import json; from alfred_dev.host.listeners import *;"
            f"ports = {{{port}: 'redis'}}; found = listeners(ports);"
            "lines = [str(c) for c in conflicts(ports, found, own_pids=())];"
            "print(json.dumps([[l.pid, l.program, l.user] for l in found] + lines))"
        )
    assert seen == [
        [None, "", "root"],
        f"{port} redis                held by a process of user root "
        "(pid not visible to this user) on 127.0.0.1",
    ]


def test_a_port_that_needs_privilege_says_so() -> None:
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not first.exists() or int(first.read_text()) < 2:
        pytest.skip("every user may listen on every port here")
    reason = as_nobody(
        "import json; from alfred_dev.host.listeners import *; print(json.dumps(can_bind(1)))"
    )
    assert reason == "this user may not listen on it"
