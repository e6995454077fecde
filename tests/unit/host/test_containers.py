"""Who publishes a port: the reading of recorded answers, the asking of a ``docker`` on PATH.

The answers were recorded from an engine 20.10, asked by the programs of versions 28.2 and 20.10.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.host import containers
from alfred_dev.host.containers import Container, is_local, parse, published

RECORDED = """\
{"id":"d353240e7a97","name":"shop2-db-1","image":"postgres:16",\
"ports":"127.0.0.1:45433-\\u003e5432/tcp","project":"shop2"}
{"id":"41aeea1adb01","name":"hostnet","image":"postgres:16","ports":"","project":""}
{"id":"25dc27d7072a","name":"plain","image":"postgres:16","ports":"6379/tcp","project":""}
{"id":"fdac57b2b1ec","name":"span","image":"postgres:16","ports":"0.0.0.0:45353-\\u003e53/udp, \
[::]:45353-\\u003e53/udp, 0.0.0.0:48000-\\u003e8000/tcp, [::]:48000-\\u003e8000/tcp, \
0.0.0.0:48001-\\u003e8001/tcp, [::]:48001-\\u003e8001/tcp","project":""}
{"id":"78e2c038810c","name":"pg1","image":"postgres:16",\
"ports":"127.0.0.1:45432-\\u003e5432/tcp","project":"shop"}

"""
PG1 = Container(name="pg1", image="postgres:16", project="shop", id="78e2c038810c")


def row(ports: str, **fields: str) -> str:
    known = {"id": "78e2c038810c", "name": "pg1", "image": "postgres:16", "project": "shop"}
    return json.dumps(known | {"ports": ports} | fields)


def test_a_recorded_answer_gives_each_published_tcp_port() -> None:
    assert {place: c.name for place, c in parse(RECORDED).items()} == {
        ("127.0.0.1", 45433): "shop2-db-1",
        ("0.0.0.0", 48000): "span",
        ("::", 48000): "span",
        ("0.0.0.0", 48001): "span",
        ("::", 48001): "span",
        ("127.0.0.1", 45432): "pg1",
    }
    assert parse(RECORDED)["127.0.0.1", 45432] == PG1


@pytest.mark.parametrize(
    ("ports", "places"),
    [
        ("127.0.0.1:5432->5432/tcp", [("127.0.0.1", 5432)]),
        (":::48000->8000/tcp", [("::", 48000)]),  # as version 20.10 writes it
        ("[::1]:9->8000/tcp", [("::1", 9)]),
        ("[::]:8000-8002->9000-9002/tcp", [("::", 8000), ("::", 8001), ("::", 8002)]),
        ("0.0.0.0:53->53/udp, 0.0.0.0:53->53/tcp", [("0.0.0.0", 53)]),
        ("6379/tcp", []),
        ("", []),
        ("0.0.0.0:99999->1/tcp", []),
        ("0.0.0.0:65535-99999->1/tcp", [("0.0.0.0", 65535)]),
    ],
)
def test_ports_are_read_in_every_form(ports: str, places: list[tuple[str, int]]) -> None:
    assert list(parse(row(ports))) == places


def test_a_container_is_named_with_its_image_and_project() -> None:
    assert str(PG1) == "container pg1 (postgres:16, compose project shop)"
    (alone,) = parse(row("0.0.0.0:1->1/tcp", project="")).values()
    assert str(alone) == "container pg1 (postgres:16)"


def test_text_of_others_cannot_steer_the_terminal_nor_the_shell() -> None:
    (found,) = parse(row("0.0.0.0:1->1/tcp", project="a\x1b[2J" + "y" * 500)).values()
    assert found.project.startswith("a?[2Jyyy")
    assert len(found.project) == containers.TEXT_LENGTH
    assert parse(row("0.0.0.0:1->1/tcp", name="a; rm -rf /")) == {}


@pytest.mark.parametrize("line", ["[]", "1", "{", '{"name":"a"}', '{"name":1}', "WARNING: x"])
def test_lines_of_another_shape_are_passed_over(line: str) -> None:
    assert parse(f"{line}\n{row('[::]:1->1/tcp')}") == {("::", 1): PG1}


@given(st.text())
def test_whatever_is_printed_is_read(output: str) -> None:
    assert parse(output) == {}
    parse(row(output, name=output))
    is_local(output)
    is_local(json.dumps(output))


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("unix:///var/run/docker.sock", True),
        ("npipe:////./pipe/docker_engine", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://[::1]:2375", True),
        ("tcp://build.example:2376", False),
        ("ssh://me@build.example", False),
        ("", False),
    ],
)
def test_an_engine_of_another_machine_is_not_ours(endpoint: str, local: bool) -> None:
    assert is_local(json.dumps(endpoint)) is local


def a_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a program ``docker`` first on PATH; ``body`` sees its arguments in ``args``."""
    program = folder / "docker"
    program.write_text(f"#!{sys.executable} -IS\nimport sys\nargs = sys.argv[1:]\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def answering(endpoint: str = "unix:///var/run/docker.sock") -> str:
    return f"""\
if args == {list(containers.ENDPOINT)!r}:
    print({json.dumps(endpoint)!r})
elif args == {list(containers.PUBLISHED)!r}:
    print({RECORDED!r})
else:
    sys.exit(f"unexpected {{args}}")
"""


def test_only_what_is_asked_for_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_docker(tmp_path, monkeypatch, answering())
    assert published([45432, 48099]) == {("127.0.0.1", 45432): PG1}
    assert published([]) == {}


@pytest.mark.parametrize(
    "body",
    [
        answering("ssh://me@build.example"),
        "sys.exit('Cannot connect to the Docker daemon')",
        "if args[0] == 'ps': print('{', end=''); sys.exit(1)\n" + answering(),
        "sys.stdout.buffer.write(bytes(range(256)))",
    ],
)
def test_a_docker_that_cannot_tell_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    a_docker(tmp_path, monkeypatch, body)
    assert published([45432]) == {}


def test_without_docker_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert published([45432]) == {}
    (tmp_path / "docker").write_text("neither a script nor a program")
    (tmp_path / "docker").chmod(0o755)
    assert published([45432]) == {}


def test_a_docker_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = "import signal\nif args[0] == 'ps': signal.pause()\n"
    a_docker(tmp_path, monkeypatch, hangs + answering())
    monkeypatch.setattr(containers, "TIMEOUT_S", 0.5)
    begin = time.monotonic()
    assert published([45432]) == {}
    assert time.monotonic() - begin < 5
