"""Parsers of macOS's tools.

The sample of lsof was written from its documentation (field output, ``-F``) and from what lsof
4.95 prints on Linux: no Mac was at hand.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.errors import MachineError
from alfred_dev.host import lsof
from alfred_dev.host.lsof import Record
from tests.unit.host.texts import mutations

LSOF = r"""p412
cControlCe
u501
Lalice
f9
tIPv4
n*:5000
TST=LISTEN
TQR=0
TQS=0
f10
tIPv6
n*:5000
TST=LISTEN
TQR=0
TQS=0
p812
cMy\x20Server
u501
Lalice
f7
tIPv6
n[::1]:15432
TST=LISTEN
f8
tIPv4
n127.0.0.1:15432
TST=LISTEN
f9
tIPv6
n[fe80::1%lo0]:15433
TST=LISTEN
f10
tIPv4
n127.0.0.1:15432->127.0.0.1:50000
TST=ESTABLISHED
p900
cnologin
u70
f3
tIPv4
n10.0.0.5:80
"""


def record(pid: int, program: str, address: str, port: int) -> Record:
    return Record(pid=pid, program=program, address=address, port=port, uid=501, user="alice")


def test_every_listening_file_of_every_process_is_read() -> None:
    assert lsof.parse(LSOF) == [
        record(412, "ControlCe", "0.0.0.0", 5000),
        record(412, "ControlCe", "::", 5000),
        record(812, "My Server", "::1", 15432),
        record(812, "My Server", "127.0.0.1", 15432),
        record(812, "My Server", "fe80::1%lo0", 15433),
        Record(pid=900, program="nologin", address="10.0.0.5", port=80, uid=70, user="70"),
    ]


def test_nothing_found_is_an_empty_answer() -> None:
    assert lsof.parse("") == []


@given(mutations(LSOF))
def test_damaged_output_never_raises(output: str) -> None:
    assert all(isinstance(found.pid, int) for found in lsof.parse(output))


@given(st.text())
def test_any_text_never_raises(output: str) -> None:
    lsof.parse(output)
    lsof.parse_commands(output)


def test_commands_keep_their_spaces() -> None:
    output = "  812 /Applications/My App/server --port 1\n90000 -zsh\nPID COMMAND\n\n"
    assert lsof.parse_commands(output) == {
        812: "/Applications/My App/server --port 1",
        90000: "-zsh",
    }


def test_no_process_means_no_question() -> None:
    assert lsof.commands([]) == {}


def test_commands_of_real_processes() -> None:
    if not os.access(lsof.COMMANDS[0], os.X_OK):
        pytest.skip("no ps on this machine")
    assert "python" in lsof.commands([os.getpid()])[os.getpid()]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_the_real_lsof_is_understood(address: str) -> None:
    program = shutil.which("lsof")
    if program is None:
        pytest.skip("no lsof on this machine")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        mine = ["-a", "-p", str(os.getpid())]
        answer = subprocess.run([program, *lsof.LISTENING[1:], *mine], capture_output=True)
        found = [r for r in lsof.parse(answer.stdout.decode()) if r.port == port]
    assert [(r.pid, r.address, r.uid) for r in found] == [(os.getpid(), address, os.getuid())]


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsof, "LISTENING", ("/nowhere/lsof", "-nP"))
    with pytest.raises(MachineError, match="/nowhere/lsof cannot be asked"):
        lsof.listening()
