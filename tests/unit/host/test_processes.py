"""Identity, ports, memory and end of real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alfred_dev.host import processes

# Each says "ready" once it is what the test needs, and then waits to be ended.
SLEEP = "print('ready', flush=True); import time; time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
CHILD = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); p.wait()"
CHILD_WITH_SESSION = CHILD.replace(")]);", ")], start_new_session=True);")
# The child ignores SIGTERM, and its parent dies of it: only the group still leads to the child.
DEAF_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]).wait()"
LISTEN = (
    "import socket; s = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)];"
    "print(*(x.getsockname()[1] for x in s), flush=True); input()"
)


@contextmanager
def running(code: str, *, session: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Run Python ``code``; the block begins when it has said its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=session,
    )  # fmt: skip
    family: list[tuple[int, str | None]] = []
    try:
        assert process.stdout
        process.first_line = process.stdout.readline()  # type: ignore[attr-defined] # for LISTEN
        family = [(p, processes.identity(p)) for p in processes.tree(process.pid)]
        yield process
    finally:
        for pid, known in family:
            if known and processes.alive(pid, known):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def identity_of(pid: int) -> str:
    known = processes.identity(pid)
    assert known is not None
    return known


def test_a_process_is_the_same_by_its_start_time() -> None:
    before = time.time()
    with running(SLEEP) as process:
        started = processes.start_time(process.pid)
        assert started == pytest.approx(before, abs=5)
        assert started is not None
        assert processes.alive(process.pid, started + 0.9)
        assert not processes.alive(process.pid, started - 1.5)
    assert processes.start_time(process.pid) is None
    assert not processes.alive(process.pid, started)


def test_a_process_is_the_same_by_its_identity() -> None:
    with running(SLEEP) as process:
        known = identity_of(process.pid)
        assert processes.alive(process.pid, known)
        assert known != identity_of(os.getpid())
        assert not processes.alive(os.getpid(), known)
    assert processes.identity(process.pid) is None


def test_a_name_with_parentheses_and_spaces_hides_nothing() -> None:
    rename = "open('/proc/self/comm', 'w').write('a) S 1 (b');" if sys.platform == "linux" else ""
    with running(rename + SLEEP) as process:
        assert processes.start_time(process.pid) == pytest.approx(time.time(), abs=10)


def test_a_zombie_does_not_live() -> None:
    with running("print('ready')") as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not reaped
        assert processes.start_time(process.pid) is None
        assert not processes.exists(process.pid)
        assert processes.listening_ports([process.pid]) == {process.pid: set()}
        assert processes.memory_pss(process.pid) in (0, None)


def test_both_ways_of_asking_for_the_start_agree() -> None:
    ours, theirs = processes.start_time(os.getpid()), processes._psutil_start_time(os.getpid())
    assert ours == pytest.approx(theirs, abs=1.5)


def test_a_tree_begins_with_its_root() -> None:
    with running(CHILD) as process:
        root, child = processes.tree(process.pid)
        assert root == process.pid
        assert processes.exists(child)
    assert processes.tree(process.pid) == []


def test_ports_are_told_by_process() -> None:
    with running(LISTEN) as one, running(SLEEP) as two:
        ports = {int(port) for port in one.first_line.split()}  # type: ignore[attr-defined]
        assert len(ports) == 2
        assert processes.listening_ports([one.pid, two.pid]) == {one.pid: ports, two.pid: set()}
        assert processes._psutil_listening_ports(one.pid) == ports
    assert processes.listening_ports([one.pid]) == {one.pid: set()}
    assert processes._psutil_listening_ports(one.pid) == set()


def test_ipv6_and_established_connections_are_told_apart() -> None:
    with (
        socket.create_server(("::1", 0), family=socket.AF_INET6) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        ports = processes.listening_ports([os.getpid()])[os.getpid()]
        assert server.getsockname()[1] in ports
        assert client.getsockname()[1] not in ports


def test_memory_is_in_bytes() -> None:
    own = processes.memory_pss(os.getpid())
    assert own is not None
    assert 1_000_000 < own < 10_000_000_000
    assert (processes._psutil_memory(os.getpid()) or 0) > 1_000_000


def test_a_tree_is_ended_by_asking() -> None:
    with running(CHILD) as process:
        members = [(pid, identity_of(pid)) for pid in processes.tree(process.pid)]
        processes.kill_tree(process.pid, identity_of(process.pid), grace_s=20)
        assert not any(processes.alive(pid, known) for pid, known in members)
        assert process.wait() == -signal.SIGTERM


def test_a_child_with_a_session_of_its_own_is_ended_too() -> None:
    with running(CHILD_WITH_SESSION) as process:
        child = processes.tree(process.pid)[1]
        processes.kill_tree(process.pid, identity_of(process.pid), grace_s=20)
        assert not processes.exists(child)


def test_who_does_not_listen_is_killed() -> None:
    with running(DEAF) as process:
        processes.kill_tree(process.pid, identity_of(process.pid), grace_s=0.1)
        assert process.wait() == -signal.SIGKILL


def test_a_deaf_child_is_killed_after_its_parent_has_gone() -> None:
    with running(DEAF_CHILD) as process:
        child = processes.tree(process.pid)[1]
        processes.kill_tree(process.pid, identity_of(process.pid), grace_s=0.1)
        assert not processes.exists(child)


def test_an_orphan_of_the_group_is_ended() -> None:
    orphan = CHILD.replace("; p.wait()", "")  # the middle process ends: its child has no parent
    middle = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {orphan!r}]); input()"
    with running(middle) as process:
        lost = [p for p in processes._group(process.pid) if p != process.pid]
        processes.kill_tree(process.pid, identity_of(process.pid), grace_s=20)
        assert lost
        assert not any(processes.exists(pid) for pid in lost)


def test_a_process_of_our_own_group_takes_no_other_with_it() -> None:
    with running(SLEEP, session=False) as process, running(SLEEP, session=False) as other:
        processes.kill_tree(process.pid, identity_of(process.pid), grace_s=20)
        assert not processes.exists(process.pid)
        assert processes.exists(other.pid)


def test_another_process_with_the_same_number_is_left_alone() -> None:
    with running(SLEEP) as process:
        started = processes.start_time(process.pid)
        assert started is not None
        processes.kill_tree(process.pid, started - 100, grace_s=5)
        processes.kill_tree(process.pid, "another boot:1", grace_s=5)
        assert processes.exists(process.pid)


def test_what_has_ended_is_not_ended_again() -> None:
    with running(SLEEP) as process:
        known = identity_of(process.pid)
    processes.kill_tree(process.pid, known, grace_s=5)


def test_a_process_of_another_user_is_an_error_with_the_command() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    with running(SLEEP) as process:
        code = (
            "import os, psutil; from alfred_dev.errors import AlfredError;"
            "from alfred_dev.host import processes as p; os.setuid(65534)\n"
            f"try: p.kill_tree({process.pid}, {identity_of(process.pid)!r}, grace_s=5)\n"
            "except AlfredError as error: print(error.cause, *error.fix, sep='|')"
        )
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert processes.exists(process.pid)
    assert answer.stdout.decode().strip() == (
        f"it belongs to another user|ps -fp {process.pid}|sudo kill -9 {process.pid}"
    )
