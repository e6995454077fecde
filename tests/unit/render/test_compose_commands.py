"""Health checks and start commands of the compose file, run where this machine can."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from alfred_dev.embedded import engines
from tests.servers import free_port
from tests.unit.render.test_compose import service

TIMEOUT_S = 20


def as_docker_runs_it(words: Sequence[str]) -> list[str]:
    return [word.replace("$$", "$") for word in words]


@contextlib.contextmanager
def answering(status: str, path: str) -> Iterator[int]:
    """Answer one request for ``path`` with ``status``; any other with 404."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                request = connection.makefile("rb").readline().decode()
                said = status if f" {path} " in request else "404 Not Found"
                connection.sendall(f"HTTP/1.1 {said}\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join(TIMEOUT_S)


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
@pytest.mark.parametrize(("name", "path"), [("agent-core", "/health"), ("vector-db", "/readyz")])
def test_a_health_check_believes_the_status_line(
    name: str, path: str, status: str, code: int
) -> None:
    with answering(status, path) as port:
        entry = service(name, f"services: {{{name}: {{ports: [{{container: {port}}}]}}}}")
        command = as_docker_runs_it(entry["healthcheck"]["test"][1:])
        if shutil.which(command[0]) is None:
            pytest.skip(f"there is no {command[0]} on this machine")
        program = sys.executable if command[0] == "python3" else command[0]
        done = subprocess.run([program, *command[1:]], capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("name", ["agent-core", "vector-db"])
def test_a_health_check_fails_where_nobody_listens(name: str) -> None:
    ports = f"ports: [{{container: {free_port()}}}]"
    entry = service(name, f"services: {{{name}: {{{ports}}}}}")
    command = as_docker_runs_it(entry["healthcheck"]["test"][1:])
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} on this machine")
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode == 1


@pytest.mark.parametrize("password", ["plain", "p@ss/1#x \"quoted\" 'é' $HOME `id` \\n % \\"])
def test_redis_gets_its_password_right_and_unseen(password: str, tmp_path: Path) -> None:
    real = engines.valkey_server()
    if real is None:
        pytest.skip("there is no Redis for this machine")
    port = free_port()
    entry = service("redis", f"services: {{redis: {{ports: [{{container: {port}}}]}}}}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(real)
    entry_point = tmp_path / "bin" / "docker-entrypoint.sh"
    entry_point.write_text('#!/bin/sh\nexec "$@"\n')
    entry_point.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "REDIS_PASSWORD": password,
    }  # fmt: skip
    command = as_docker_runs_it(entry["command"])
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert any("Ready to accept connections" in line for line in process.stdout)
            shown = Path(f"/proc/{process.pid}/cmdline")
            if shown.exists():
                assert password.encode() not in shown.read_bytes()
            with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
                answers = connection.makefile("rb")
                connection.sendall(b"PING\r\n")
                assert answers.readline().startswith(b"-NOAUTH")
                word = password.encode()
                connection.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(word), word))
                assert answers.readline() == b"+OK\r\n"
        finally:
            process.terminate()
