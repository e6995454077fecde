"""What a user sees when something is wrong: one message, its cause, what to type."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import Checkout, plain

AS_ANOTHER_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


def error(checkout: Checkout, *arguments: str, exit_code: int) -> dict[str, Any]:
    """Run a command that must fail; return its error document."""
    document = checkout.json(*arguments, exit_code=exit_code)
    assert document["schema"] == "alfred-dev/error/v1"
    assert document["ok"] is False
    found = document["error"]
    assert found["what"]
    assert found["cause"]
    return dict(found)


def nothing_started(checkout: Checkout) -> bool:
    return (
        checkout.pids() == [] and not (checkout.root / ".alfred/render/supervisord.conf").exists()
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("POSTGRES_PASSWORD=x\n".encode("utf-16"), "UTF-16"),
        (b"POSTGRES_PASSWORD=x\nno assignment\n", ".env:2:1: expected KEY=VALUE"),
        ("A=é\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_broken_env_file(checkout: Checkout, content: bytes, says: str) -> None:
    (checkout.root / ".env").write_bytes(content)
    found = error(checkout, "up", exit_code=2)
    assert found["code"] == "config-invalid"
    assert says in found["cause"]
    assert (checkout.root / ".env").read_bytes() == content
    assert nothing_started(checkout)


def test_an_env_file_with_crlf_is_kept_as_it_is(checkout: Checkout) -> None:
    (checkout.root / ".env").write_bytes(b"# mine\r\nREDIS_PASSWORD=p@ss/1#x y\r\n")
    checkout.ok("up", "redis")
    data = (checkout.root / ".env").read_bytes()
    assert data.startswith(b"# mine\r\nREDIS_PASSWORD=p@ss/1#x y\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_an_unreadable_env_file(checkout: Checkout) -> None:
    (checkout.root / ".env").write_text("A=1\n")
    (checkout.root / ".env").chmod(0)
    checkout.root.chmod(0o755)
    done = subprocess.run(
        [*AS_ANOTHER_USER, *checkout.command("up", "--json")],
        cwd=checkout.root,
        env=checkout.variables(),
        capture_output=True,
        text=True,
    )
    (checkout.root / ".env").chmod(0o600)
    assert done.returncode == 2
    found = json.loads(done.stdout)["error"]
    assert found["code"] == "file-unreadable"
    assert "chmod" in found["fix"][0]


def test_an_env_file_that_is_a_folder(checkout: Checkout) -> None:
    (checkout.root / ".env").mkdir()
    assert error(checkout, "up", exit_code=2)["code"] == "file-unreadable"


def test_an_empty_password_is_made_when_there_is_no_data(checkout: Checkout) -> None:
    (checkout.root / ".env").write_text("REDIS_PASSWORD=\nALFRED_DEBUG=true\n")
    checkout.ok("up", "redis")
    assert len(checkout.secrets["REDIS_PASSWORD"]) == 32


@pytest.mark.parametrize("line", ["", "REDIS_PASSWORD=\n"])
def test_a_missing_password_with_data_is_never_replaced(checkout: Checkout, line: str) -> None:
    checkout.ok("up", "redis")
    checkout.ok("down")
    old = (checkout.root / ".env").read_text()
    text = "".join(x for x in old.splitlines(True) if not x.startswith("REDIS_PASSWORD")) + line
    (checkout.root / ".env").write_text(text)
    found = error(checkout, "up", exit_code=2)
    assert found["code"] == "key-missing"
    assert "REDIS_PASSWORD" in found["what"]
    assert (checkout.root / ".env").read_text() == text
    (checkout.root / ".env").write_text(old)
    checkout.ok("up", "redis")


def test_a_password_that_is_not_the_datas_is_named_soon(checkout: Checkout) -> None:
    checkout.ok("up", "db-postgres")
    checkout.ok("down")
    began = time.monotonic()
    document = checkout.json(
        "up", "model-registry", exit_code=1, variables={"POSTGRES_PASSWORD": "from-the-shell"}
    )
    assert time.monotonic() - began < 20
    [failure] = document["failures"]
    assert (failure["service"], failure["class"]) == ("db-postgres", "env")
    assert failure["blocks"] == ["model-registry"]
    assert "from-the-shell" not in json.dumps(document)


def test_a_link_instead_of_the_env_file_is_refused(checkout: Checkout) -> None:
    elsewhere = checkout.root.parent / "elsewhere"
    elsewhere.write_text("A=1\n")
    (checkout.root / ".env").symlink_to(elsewhere)
    assert error(checkout, "up", exit_code=2)["code"] == "symlink-refused"
    assert elsewhere.read_text() == "A=1\n"


def test_no_write_permission(checkout: Checkout) -> None:
    checkout.root.chmod(0o555)
    done = subprocess.run(
        [*AS_ANOTHER_USER, *checkout.command("up", "--json")],
        cwd=checkout.root,
        env=checkout.variables(),
        capture_output=True,
        text=True,
    )
    checkout.root.chmod(0o755)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "not-writable"


def test_a_full_disk_leaves_no_half_written_file(tmp_path: Path, own_ports: None) -> None:
    made = Checkout.make(tmp_path / "project")
    mount = f"mount -t tmpfs -o size=64k tmpfs {made.root} && touch alfred.yaml"
    fill = "dd if=/dev/zero of=fill bs=1k count=60 status=none"
    command = " ".join(made.command("up", "--json"))
    look = "ls -A . .alfred; cat .env"
    script = f"{mount} && cd {made.root} && touch alfred.yaml && {fill}; {command}; {look}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=made.root,
        env=made.variables(),
        capture_output=True,
        text=True,
    )
    document = json.loads(done.stdout.splitlines()[0])
    assert document["error"]["code"] == "disk-full"
    assert not [line for line in done.stdout.splitlines()[1:] if line.startswith(".env.")]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::", "::1"])
def test_a_port_that_somebody_holds(checkout: Checkout, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as holder:
        # As servers do: an earlier test's connections to 6379 may still be in TIME_WAIT.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((address, 6379))
        holder.listen()
        found = error(checkout, "up", "redis", "auth-ui", exit_code=3)
    assert found["code"] == "port-taken"
    assert "6379" in found["cause"]
    assert f"pid {os.getpid()}" in found["cause"]
    assert checkout.pids() == []


def test_all_conflicts_are_in_one_report(checkout: Checkout) -> None:
    holders = [socket.create_server(("127.0.0.1", port)) for port in (5432, 6379, 8011)]
    try:
        found = error(checkout, "up", exit_code=3)
        assert found["what"].startswith("3 of our ports are taken")
        assert [line.split()[0] for line in found["cause"].splitlines()] == ["5432", "6379", "8011"]
        report = checkout.json("ports", "--check", exit_code=3)
        assert [c["port"] for c in report["conflicts"]] == [5432, 6379, 8011]
        assert {c["pid"] for c in report["conflicts"]} == {os.getpid()}
    finally:
        for holder in holders:
            holder.close()


def test_a_stranger_on_the_port_of_a_stopped_service_is_not_ours(checkout: Checkout) -> None:
    checkout.ok("up", "auth-ui")
    checkout.ok("stop", "auth-ui")
    code = (
        "import http.server as h\n"
        "class A(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        "h.HTTPServer(('127.0.0.1', 3006), A).serve_forever()"
    )
    stranger = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while "somebody else answers" not in checkout.status("auth-ui")["detail"]:
            assert time.monotonic() < deadline
        assert checkout.status("auth-ui")["endpoints"][0]["healthy"] is False
    finally:
        stranger.kill()
        stranger.wait()


def plant(checkout: Checkout, program: str) -> dict[str, str]:
    """Put a ``prometheus`` of our making first on PATH."""
    folder = checkout.root.parent / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "prometheus").write_text(f"#!{sys.executable}\n{program}")
    (folder / "prometheus").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_service_that_crashes_at_start(checkout: Checkout) -> None:
    path = plant(checkout, "import sys\nsys.exit('the planted reason')")
    document = checkout.json("up", "monitoring-dashboard", exit_code=1, variables=path)
    [failure] = document["failures"]
    assert (failure["service"], failure["class"]) == ("monitoring-metrics", "crash")
    assert "the planted reason" in failure["evidence"]
    assert failure["blocks"] == ["monitoring-dashboard"]


def test_a_service_that_hangs(checkout: Checkout) -> None:
    program = "import socket, time\ns = socket.create_server(('127.0.0.1', 9090))\ntime.sleep(600)"
    path = plant(checkout, f"import sys\nif '--version' in sys.argv: sys.exit()\n{program}")
    done = checkout.run("up", "prometheus", "--wait-timeout", "4", **path)
    assert done.returncode == 4
    assert "time ran out" in done.stderr
    assert "monitoring-metrics (time-out)" in done.stderr


def test_a_service_that_answers_500(checkout: Checkout) -> None:
    program = (
        "import sys, http.server as h\n"
        "if '--version' in sys.argv: sys.exit()\n"
        "class A(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_error(500)\n"
        "h.HTTPServer(('127.0.0.1', 9090), A).serve_forever()"
    )
    path = plant(checkout, program)
    done = checkout.run("up", "prometheus", "--wait-timeout", "4", **path)
    assert done.returncode == 1
    assert "monitoring-metrics (probe)" in done.stderr
    assert "500" in done.stderr
    assert checkout.status("monitoring-metrics")["health"] == "unhealthy"


def test_a_program_that_cannot_be_executed(checkout: Checkout) -> None:
    folder = checkout.root.parent / "bin"
    folder.mkdir()
    (folder / "prometheus").write_bytes(b"\x7fELF not really")
    (folder / "prometheus").chmod(0o755)
    document = checkout.json(
        "up", "prometheus", exit_code=1, variables={"PATH": f"{folder}:{os.environ['PATH']}"}
    )
    assert document["failures"][0]["class"] == "binary"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["up", "agent-cor"], "did you mean agent-core?"),
        (["logs", "postgress"], "did you mean postgres?"),
        (["up", "--profile", "monitorin"], "monitorin"),
        (["statsu"], "statsu"),
        (["up", "--runtime", "podman"], "podman"),
        (["logs", "--since", "yesterday"], "--since"),
        (["wait"], "SERVICE"),
        (["--env-file", "nowhere.env", "status"], "nowhere.env"),
        (["open", "redis"], "has no page"),
    ],
)
def test_wrong_usage_is_exit_2_in_text_and_json(
    checkout: Checkout, arguments: list[str], says: str
) -> None:
    done = checkout.run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
    as_json = checkout.run(*arguments, "--json")
    assert as_json.returncode == 2
    assert json.loads(as_json.stdout)["ok"] is False


def test_outside_of_any_project(tmp_path: Path, checkout: Checkout) -> None:
    """Run from an installed package: there is no clone to fall back to."""
    code = (
        "import pathlib, sys\n"
        "import alfred_dev.cli.place as place\n"
        "from alfred_dev.cli.main import main\n"
        "place.CLONE = pathlib.Path('/nowhere')\n"
        "sys.argv = ['alfred-dev', 'status']\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=checkout.variables(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "belongs to no project" in done.stderr


def test_strict_refuses_fall_backs(checkout: Checkout) -> None:
    found = error(checkout, "up", "--strict", exit_code=3)
    assert found["code"] == "strict-refused"
    assert "agent-core" in found["cause"]


def test_progress_on_a_terminal_is_redrawn_and_gone_at_the_end(checkout: Checkout) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        checkout.command("up", "model-registry"),
        cwd=checkout.root,
        env=checkout.variables(TERM="xterm-256color"),
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    said = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed: everything was said
            break
        if not chunk:
            break
        said += chunk
    printed, _ = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == 0
    text = plain(said.decode())
    assert "waiting for db-postgres" in text
    assert "healthy after" in text
    assert b"2 services, 2 ports healthy" in printed
