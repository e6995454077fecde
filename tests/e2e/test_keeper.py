"""The supervisor is found again whatever happened to its socket, its folder, its shell."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout, listening


def record(checkout: Checkout) -> dict[str, str]:
    return dict(json.loads((checkout.root / ".alfred/run/supervisor.json").read_text()))


def supervisors(checkout: Checkout) -> list[int]:
    found = []
    for pid in checkout.pids():
        if b"alfred_dev.runtime.supervisord" in Path(f"/proc/{pid}/cmdline").read_bytes():
            found.append(pid)
    return found


def gone(checkout: Checkout) -> bool:
    return checkout.pids() == [] and listening() == {}


@pytest.mark.slow
def test_another_shell_finds_the_same_supervisor(checkout: Checkout, tmp_path: Path) -> None:
    checkout.ok("up", "redis")
    before = checkout.status("redis")["pid"]
    (tmp_path / "xdg").mkdir(mode=0o700)
    checkout.ok("up", "redis", XDG_RUNTIME_DIR=str(tmp_path / "xdg"))
    assert checkout.status("redis")["pid"] == before
    assert len(supervisors(checkout)) == 1


@pytest.mark.slow
def test_a_socket_that_was_tidied_away(checkout: Checkout) -> None:
    checkout.ok("up", "redis", "auth-ui")
    Path(record(checkout)["socket"]).unlink()
    assert "runs, but does not answer" in checkout.run("status").stderr
    assert "runs, but does not answer" in checkout.json("status")["notes"][0]
    done = checkout.run("up", "redis")
    assert done.returncode == 0
    assert "all of it is started anew" in done.stderr
    assert checkout.status("auth-ui")["health"] == "healthy"
    assert len(supervisors(checkout)) == 1
    Path(record(checkout)["socket"]).unlink()
    checkout.ok("down")
    assert gone(checkout)


@pytest.mark.slow
def test_a_supervisor_that_was_stopped(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    [pid] = supervisors(checkout)
    os.kill(pid, signal.SIGSTOP)
    checkout.ok("down")
    assert gone(checkout)


def test_a_checkout_that_was_moved_while_up(checkout: Checkout) -> None:
    checkout.ok("up", "redis", "auth-ui")
    moved = Checkout(checkout.root.parent / "moved")
    checkout.root.rename(moved.root)
    try:
        assert "has moved" in moved.run("status").stderr
        assert moved.json("up", "redis")["ok"] is True
        assert moved.status("auth-ui")["health"] == "healthy"
    finally:
        moved.ok("down")
    assert gone(moved)
    moved.root.rename(checkout.root)


def test_a_moved_checkout_is_ended_by_down_alone(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    moved = Checkout(checkout.root.parent / "moved")
    checkout.root.rename(moved.root)
    moved.ok("down")
    assert gone(moved)
    moved.root.rename(checkout.root)


def test_alfred_deleted_while_up(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    shutil.rmtree(checkout.root / ".alfred", ignore_errors=True)
    assert checkout.json("up", "redis")["ok"] is True
    shutil.rmtree(checkout.root / ".alfred", ignore_errors=True)
    checkout.ok("down")
    assert gone(checkout)


@pytest.mark.parametrize("command", ["restart", "start"])
def test_what_a_killed_supervisor_had_running_comes_back_as_a_whole(
    checkout: Checkout, command: str
) -> None:
    checkout.ok("up", "redis", "auth-ui")
    os.kill(supervisors(checkout)[0], signal.SIGKILL)
    assert "was killed; 2 of its services live on" in checkout.run("status").stderr
    done = checkout.run(command, "redis")
    assert done.returncode == 0
    assert "all of it is started anew" in done.stderr
    assert checkout.json("status")["ok"] is True


def test_a_port_held_by_another_checkout_names_how_to_end_it(checkout: Checkout) -> None:
    other = Checkout.make(checkout.root.parent / "other", XDG_DATA_HOME="/nonexistent-relative")
    other = Checkout(other.root, {"XDG_DATA_HOME": str(checkout.root.parent / "data2")})
    other.ok("up", "redis")
    found = checkout.json("up", "redis", exit_code=3)["error"]
    assert found["fix"][0] == f"(cd '{other.root}' && alfred-dev down)"
    assert f"the checkout {other.root}" in found["cause"]
    other.ok("down")
    checkout.ok("up", "redis")


def test_a_real_server_is_found_whatever_path_the_first_shell_had(checkout: Checkout) -> None:
    """The supervisor keeps the PATH of whoever started it; a server must not depend on that."""
    folder = checkout.root.parent / "opt" / "bin"
    folder.mkdir(parents=True)
    (folder / "helper").write_text("#!/bin/sh\nexec sleep 600\n")
    server = (
        f"#!{sys.executable}\nimport sys, http.server as h, shutil\n"
        "if '--version' in sys.argv: sys.exit()\n"
        "if not shutil.which('helper'): sys.exit('no helper on PATH')\n"
        "class A(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        "h.HTTPServer(('127.0.0.1', 9090), A).serve_forever()\n"
    )
    (folder / "prometheus").write_text(server)
    for program in folder.iterdir():
        program.chmod(0o755)
    checkout.ok("up", "redis", PATH="/usr/bin:/bin")
    document = checkout.json("up", "prometheus", variables={"PATH": f"{folder}:/usr/bin:/bin"})
    assert document["ok"] is True


def test_a_closed_pipe_ends_quietly(checkout: Checkout) -> None:
    for arguments in (["status", "--json"], ["status"], ["ports"], ["--help"]):
        process = subprocess.Popen(
            checkout.command(*arguments),
            cwd=checkout.root,
            env=checkout.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        assert process.wait() in (0, 141), (arguments, said)
        assert b"Exception ignored" not in said
        assert b"mistake" not in said


def test_a_full_stdout_is_no_mistake_of_ours(checkout: Checkout) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            checkout.command("ports"),
            cwd=checkout.root,
            env=checkout.variables(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode in (1, 3)
    assert "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_are_printed_as_they_were_typed(checkout: Checkout) -> None:
    done = checkout.run("up", "redsi", ALFRED_DEV_CALLED="./scripts/alfred-dev")
    assert "fix: ./scripts/alfred-dev ports" in done.stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ALFRED_DEBUG=maybe", "ALFRED_DEBUG: expected true or false, found 'maybe'"),
        ("ALFRED_LOG_LEVEL=loud", "ALFRED_LOG_LEVEL: expected DEBUG"),
        ("DB_JWT_SECRET=short", "DB_JWT_SECRET: expected at least 32 characters, found another"),
        ("ALFRED_WAIT_TIMEOUT=-1", "ALFRED_WAIT_TIMEOUT: expected seconds"),
        ("ALFRED_PROJECT_ID=../../x y", "ALFRED_PROJECT_ID: expected 6 to 30"),
    ],
)
def test_a_setting_that_cannot_be(checkout: Checkout, line: str, says: str) -> None:
    (checkout.root / ".env").write_text(f"# mine\n{line}\n")
    found = checkout.json("up", "redis", exit_code=2)["error"]
    assert f".env:2:1: {says}" in found["cause"]


def test_a_slip_in_a_name_is_noted(checkout: Checkout) -> None:
    (checkout.root / ".env").write_text("POSTGRES_PASSWRD=x\nMY_OWN=1\n")
    done = checkout.run("up", "redis")
    assert done.returncode == 0
    assert ".env:1: nobody reads POSTGRES_PASSWRD (did you mean POSTGRES_PASSWORD?)" in done.stderr
    assert "MY_OWN" not in done.stderr


def test_an_open_env_file_is_closed(checkout: Checkout) -> None:
    (checkout.root / ".env").write_text("ALFRED_DEBUG=true\n")
    (checkout.root / ".env").chmod(0o644)
    assert "it is yours alone now" in checkout.run("up", "redis").stderr
    assert (checkout.root / ".env").stat().st_mode & 0o777 == 0o600
    assert (checkout.root / ".alfred/logs/redis.log").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1e400"])
def test_what_is_no_number_of_seconds(checkout: Checkout, seconds: str) -> None:
    for arguments in (["up", "--dry-run", "--wait-timeout"], ["wait", "redis", "--timeout"]):
        assert checkout.run(*arguments, seconds).returncode == 2, arguments


def test_without_a_command_the_help_is_shown(checkout: Checkout) -> None:
    printed = checkout.ok()
    assert printed.startswith("Usage: alfred-dev")
