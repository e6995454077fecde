"""alfred.yaml, slots, and a service of the developer's own, with real processes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alfred_dev.embedded import engines
from tests.e2e.checkout import Checkout

OWN = """
import http.server, sys
class A(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'mine')
    def log_message(self, *args): pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), A).serve_forever()
"""


@contextmanager
def own_process(port: int) -> Iterator[None]:
    """A server of the developer's own, listening."""
    process = subprocess.Popen([sys.executable, "-c", OWN, str(port)])
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
        yield
    finally:
        process.kill()
        process.wait()


def configure(checkout: Checkout, text: str) -> None:
    (checkout.root / "alfred.yaml").write_text(text)


def test_a_service_of_the_developers_own_is_used_by_all_the_rest(checkout: Checkout) -> None:
    configure(checkout, "services: {model-registry: {host_port: 9979}}")
    document = checkout.json("up", "model-router")
    states = {s["id"]: s for s in document["services"]}
    assert document["ok"] is True
    assert states["model-registry"]["from"] == "host"
    assert states["model-router"]["blocked_by"] == ["model-registry"]
    assert not (checkout.root / ".alfred/logs/model-registry.log").exists()
    printed = checkout.ok("up", "model-router")
    assert "model-registry is yours to run on port 9979, and does not answer yet" in printed
    with own_process(9979):
        checkout.ok("wait", "model-router", "--timeout", "20")
        assert checkout.status("model-registry")["health"] == "healthy"
        url = checkout.ok("exec", "model-router", "printenv", "MODEL_REGISTRY_URL")
        assert url == "http://127.0.0.1:9979\n"
        assert "MODEL_REGISTRY_URL=http://127.0.0.1:9979\n" in checkout.ok("env")


def test_what_becomes_the_developers_own_is_ended(checkout: Checkout) -> None:
    checkout.ok("up", "model-router")
    configure(checkout, "services: {model-registry: {host_port: 9979}}")
    with own_process(9979):
        done = checkout.run("up", "model-router")
    assert done.returncode == 0
    assert "stop model-registry: it is not ours to run any more" in done.stderr
    assert "restart model-router: MODEL_REGISTRY_URL changed" in done.stderr
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 8079), timeout=1)


def test_two_checkouts_side_by_side(checkout: Checkout) -> None:
    other = Checkout.make(checkout.root.parent / "other")
    checkout.ok("up", "redis", "auth-ui")
    refused = other.run("up", "redis")
    assert refused.returncode == 3
    assert str(checkout.root) in refused.stderr
    assert "--slot auto" in refused.stderr
    document = other.json("up", "redis", "auth-ui", "--slot", "auto")
    assert document["slot"] == 1
    urls = [e["url"] for s in document["services"] for e in s["endpoints"]]
    assert "http://127.0.0.1:13006" in urls
    ports = other.json("ports")["ports"]
    assert {p["port"] for p in ports if p["service"] == "redis"} == {16379}
    other.ok("down")
    assert checkout.status("redis")["health"] == "healthy"
    checkout.ok("down")
    assert other.json("up", "redis")["slot"] == 1
    moved = other.run("up", "redis", "--slot", "2")
    assert moved.returncode == 2
    assert "this checkout runs in slot 1" in moved.stderr
    other.ok("uninstall", "--yes")
    assert other.pids() == []
    assert not (other.root / ".alfred").exists()
    assert other.json("status")["slot"] == 0


def test_a_service_that_the_catalog_does_not_have(checkout: Checkout) -> None:
    configure(checkout, "services: {db-auth: {ports: [{host: 7999, path: /ok}]}}")
    document = checkout.json("up", "db-auth")
    assert {s["id"] for s in document["services"] if s["selected"]} == {"db-auth"}
    assert document["ok"] is True


def test_another_port_is_told_to_everybody(checkout: Checkout) -> None:
    configure(checkout, "services: {redis: {ports: [{host: 6380}]}}")
    assert checkout.json("up", "redis")["ok"] is True
    assert ":6380/0" in checkout.json("env")["variables"]["REDIS_URL"]


def test_profiles_of_the_project_are_what_up_starts(checkout: Checkout) -> None:
    configure(checkout, "profiles: [mail]")
    document = checkout.json("up")
    chosen = [s for s in document["services"] if s["selected"]]
    assert [s["id"] for s in chosen if s["kind"] == "service"] == ["mail-server"]
    assert "gateway" in [s["id"] for s in chosen]  # a group comes with what helps it


def test_a_pinned_source_that_is_not_here(checkout: Checkout) -> None:
    configure(checkout, "services: {agent-core: {from: image}}")
    found = checkout.json("up", exit_code=3)["error"]
    assert found["code"] == "source-missing"
    assert "alfred.yaml:1" in found["fix"][0]


def test_settings_of_the_project_are_the_weakest_layer(checkout: Checkout) -> None:
    configure(checkout, "settings: {ALFRED_LOG_LEVEL: DEBUG}")
    shown = checkout.json("config", "explain", "ALFRED_LOG_LEVEL")["layers"]
    assert [row["layer"] for row in shown] == ["alfred.yaml", "default"]
    (checkout.root / ".env").write_text("ALFRED_LOG_LEVEL=ERROR\n")
    shown = checkout.json("config", "explain", "ALFRED_LOG_LEVEL")["layers"]
    assert [row["value"] for row in shown] == ["ERROR", "DEBUG", "INFO"]


def broken(checkout: Checkout) -> str:
    found = checkout.json("up", exit_code=2)["error"]
    assert found["code"] == "config-invalid"
    assert checkout.pids() == []
    return str(found["cause"])


def test_an_alfred_yaml_that_is_no_honest_file(checkout: Checkout) -> None:
    path = checkout.root / "alfred.yaml"
    path.write_bytes(b"# \xe9\n")
    assert "alfred.yaml:1:1: this line is not UTF-8" in broken(checkout)
    path.write_bytes(b"#" * 50_000_000)
    assert "50000000 bytes" in broken(checkout)
    path.unlink()
    path.mkdir()
    assert "no regular file" in broken(checkout)
    path.rmdir()
    os.mkfifo(path)
    assert "no regular file" in broken(checkout)
    path.unlink()
    path.write_text("domain: x.example.com\n")
    os.chown(path, 65534, 65534)
    assert "belongs to another user" in broken(checkout)
    os.chown(path, 0, 0)
    configure(checkout, "platform: ../nowhere\ndomian: x.example.com\n")
    said = broken(checkout)
    assert "alfred.yaml:1:1: platform: there is no folder" in said
    assert "alfred.yaml:2:1: unknown key domian" in said


def test_init_writes_a_file_that_changes_nothing(tmp_path: Path, own_ports: None) -> None:
    made = Checkout.make(tmp_path / "project")
    (made.root / "alfred.yaml").unlink()
    made.ok("init")
    assert made.run("init").returncode == 2
    assert (made.root / ".alfred/alfred.schema.json").exists()
    assert "nothing wrong" in made.ok("config", "validate")
    assert made.ok("config", "schema").startswith("{")


def test_odd_characters_in_env_values(checkout: Checkout) -> None:
    password = "a$b ${c} \"d\" 'e' #f %g @h /i"
    quoted = password.replace("'", "\\'")
    (checkout.root / ".env").write_text(
        f"REDIS_PASSWORD='{quoted}'\nPOSTGRES_PASSWORD='{quoted}'\n"
    )
    assert checkout.json("up", "redis", "model-registry")["ok"] is True
    printed = checkout.ok("exec", "db-postgres", "printenv", "PGPASSWORD")
    assert printed == password + "\n"
    shown = checkout.ok("config", "show") + checkout.ok("logs")
    assert password not in shown


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("postgres") is None, reason="needs a Postgres server on PATH")
def test_a_pinned_postgres_of_the_machine(checkout: Checkout) -> None:
    configure(checkout, "services: {db-postgres: {from: binary}}")
    assert checkout.json("up", "db-postgres")["ok"] is True
    assert checkout.status("db-postgres")["from"] == "binary"
    version = checkout.ok("exec", "db-postgres", "psql", "-Atc", "show server_version")
    own = subprocess.run(["postgres", "--version"], capture_output=True, text=True, check=True)
    assert version.split(".")[0] in own.stdout
    configure(checkout, "")
    document = checkout.json("up", "db-postgres", exit_code=1)
    assert "which cannot read it; nothing was touched" in str(document["failures"])
    configure(checkout, "services: {db-postgres: {from: binary}}")
    assert checkout.json("up", "db-postgres")["ok"] is True


def test_a_pinned_redis_of_the_machine(checkout: Checkout) -> None:
    folder = checkout.root.parent / "bin"
    folder.mkdir()
    server = engines.valkey_server()
    assert server is not None
    (folder / "redis-server").symlink_to(server)
    configure(checkout, "services: {redis: {from: binary}}")
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    document = checkout.json("up", "redis", variables=path)
    [redis] = [s for s in document["services"] if s["id"] == "redis"]
    assert (redis["health"], redis["from"]) == ("healthy", "binary")


def test_a_changed_port_is_checked_before_anything_is_stopped(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    pid = checkout.status("redis")["pid"]
    configure(checkout, "services: {redis: {ports: [{host: 6390}]}}")
    with socket.create_server(("127.0.0.1", 6390)):
        assert checkout.json("up", "redis", exit_code=3)["error"]["code"] == "port-taken"
    configure(checkout, "")
    assert checkout.status("redis")["pid"] == pid
    assert checkout.status("redis")["health"] == "healthy"


def test_two_services_may_swap_their_ports(checkout: Checkout) -> None:
    checkout.ok("up", "auth-ui", "redis")
    configure(
        checkout,
        "services: {redis: {ports: [{host: 3006}]}, auth-ui: {ports: [{host: 6379}]}}",
    )
    assert checkout.json("up", "auth-ui", "redis")["ok"] is True


def test_a_lost_registry_moves_nothing_that_runs(checkout: Checkout) -> None:
    checkout.ok("up", "redis", "--slot", "1")
    pid = checkout.status("redis")["pid"]
    registry = checkout.root.parent / "home/.local/share/alfred-dev/slots.json"
    registry.write_text('{"0": "/tm')
    document = checkout.json("up", "redis")
    assert document["slot"] == 1
    assert checkout.status("redis")["pid"] == pid


def test_the_slot_of_a_dry_run_is_that_of_the_real_one(checkout: Checkout) -> None:
    checkout.ok("up", "redis")
    for extra in (["--dry-run"], []):
        refused = checkout.run("up", "redis", "--slot", "2", *extra)
        assert refused.returncode == 2
        assert "this checkout runs in slot 0" in refused.stderr


def test_a_slot_that_shifts_a_port_too_far(checkout: Checkout) -> None:
    configure(checkout, "services: {x: {ports: [{host: 60000}]}}")
    found = checkout.json("up", "x", "--slot", "2", exit_code=2)["error"]
    assert found["code"] == "slot-unusable"
    assert checkout.json("up", "redis")["slot"] == 0


@pytest.mark.parametrize("command", ["start", "restart", "up"])
def test_a_service_of_the_developers_own_alone(checkout: Checkout, command: str) -> None:
    configure(checkout, "services: {auth-ui: {host_port: 9979}}")
    printed = checkout.ok(command, "auth-ui")
    assert "auth-ui is yours to run on port 9979" in printed
    with own_process(9979):
        assert checkout.json(command, "auth-ui")["ok"] is True


@pytest.mark.parametrize("platform", ['"a\\0b"', '"~nosuchuser/x"', "x" * 5000])
def test_a_platform_that_is_no_folder(checkout: Checkout, platform: str) -> None:
    configure(checkout, f"platform: {platform}\n")
    assert "platform: there is no folder" in broken(checkout)


def test_a_setting_that_nobody_knows_on_the_command_line(checkout: Checkout) -> None:
    done = checkout.run("--set", "ALFRED_LOGLEVEL=DEBUG", "config", "show")
    assert done.returncode == 2
    assert "did you mean ALFRED_LOG_LEVEL?" in done.stderr
