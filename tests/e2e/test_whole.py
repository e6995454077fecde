"""The whole stack, as a new user meets it: 17 services, 19 ports, nothing but Python."""

from __future__ import annotations

import asyncio
import json
import os
import smtplib
import socket
import subprocess
import time
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.e2e.checkout import Checkout, listening, plain
from tests.unit.catalog.test_services import PORT_REFERENCE

pytestmark = pytest.mark.xdist_group("whole")  # one stack for all of these tests

LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
HTTP = {port for _, port, protocol in PORT_REFERENCE if protocol == "HTTP"}


def redis(*commands: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", 6379), timeout=5) as sock:
        sock.sendall(b"".join(command + b"\r\n" for command in commands))
        time.sleep(0.1)
        return sock.recv(4096)


def test_all_nineteen_ports_are_healthy(whole: Checkout) -> None:
    document = whole.json("status", "--exit-code")
    assert document["schema"] == "alfred-dev/status/v1"
    assert document["ok"] is True
    assert (document["runtime"], document["slot"]) == ("process", 0)
    services = [s for s in document["services"] if s["kind"] == "service"]
    endpoints = [e for s in services for e in s["endpoints"]]
    assert sorted(e["port"] for e in endpoints) == sorted(port for _, port, _ in PORT_REFERENCE)
    assert all(e["healthy"] and e["latency_ms"] > 0 for e in endpoints)


def test_nothing_listens_beyond_loopback(whole: Checkout) -> None:
    found = listening()
    assert {port for _, port, _ in PORT_REFERENCE} <= set(found)
    strangers = {p: a for p, a in found.items() if a not in LOOPBACK}
    assert strangers == {}


def test_postgres_takes_the_password_of_the_env_file_and_no_other(whole: Checkout) -> None:
    async def log_in(password: str) -> int:
        connection = await asyncpg.connect(
            host="127.0.0.1", user="postgres", password=password, database="postgres", ssl=False
        )
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            return int(await connection.fetchval("SELECT '[1,2]'::vector <-> '[1,5]'::vector"))
        finally:
            await connection.close()

    assert asyncio.run(log_in(whole.secrets["POSTGRES_PASSWORD"])) == 3
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(log_in("wrong"))


def test_redis_asks_for_its_password(whole: Checkout) -> None:
    assert redis(b"PING").startswith(b"-NOAUTH")
    password = whole.secrets["REDIS_PASSWORD"].encode()
    assert redis(b"AUTH " + password, b"PING") == b"+OK\r\n+PONG\r\n"


def test_every_http_port_answers_its_health_path(whole: Checkout) -> None:
    paths = {
        8502: "/_stcore/health", 3007: "/api/health", 9000: "/health/", 9003: "/health/",
        9002: "/health/", 6333: "/readyz", 8085: "/", 3005: "/api/health", 9090: "/-/ready",
        8025: "/",
    }  # fmt: skip
    for port in sorted(HTTP):
        answer = httpx.get(f"http://127.0.0.1:{port}{paths.get(port, '/health')}")
        assert answer.status_code == 200, (port, answer.text)


def test_mail_is_greeted(whole: Checkout) -> None:
    with smtplib.SMTP("127.0.0.1", 1025, timeout=5) as client:
        assert client.ehlo()[0] == 250


def test_a_task_is_stored_and_read_back(whole: Checkout) -> None:
    made = httpx.post("http://127.0.0.1:8011/v1/tasks", json={"title": "write a test"})
    assert made.status_code == 201
    read = httpx.get(f"http://127.0.0.1:8011/v1/tasks/{made.json()['id']}")
    assert read.json()["title"] == "write a test"


@pytest.mark.parametrize("which", ["api", "events"])
def test_both_flows_take_every_hop(whole: Checkout, which: str) -> None:
    told = whole.json("flow", which, "-n", "3")
    assert (told["schema"], told["ok"], told["flow"], told["n"], told["broken"]) == (
        "alfred-dev/flow/v1", True, which, 3, None,
    )  # fmt: skip
    assert told["hops"][-1]["hop"] == "end to end"
    assert all(0 < h["p50_ms"] <= h["p95_ms"] <= h["p99_ms"] for h in told["hops"])
    assert "every hop was taken" in whole.ok("flow", which, "-n", "1", "--direct")


def test_the_hop_that_broke_is_named(whole: Checkout) -> None:
    whole.ok("stop", "vector-db")
    try:
        told = whole.json("flow", "events", "-n", "2", exit_code=1)
        assert told["broken"]["service"] == "agent-rag"
        assert told["broken"]["peer"] == "vector-db"
        done = whole.run("flow", "events", "-n", "1")
        assert done.returncode == 1
        assert "broken: agent-rag stored for" in done.stderr
    finally:
        whole.ok("start", "vector-db")
        whole.ok("wait", "agent-rag")
    assert whole.run("flow", "nonsense").returncode == 2


def test_the_mail_with_the_outcome_arrives(whole: Checkout) -> None:
    whole.json("flow", "events", "-n", "1")
    found = httpx.get("http://127.0.0.1:8025/api/v1/messages", trust_env=False).json()
    assert any(m["Subject"].startswith("Done: Flow 1") for m in found["messages"])


def test_up_again_changes_nothing(whole: Checkout) -> None:
    before = {s["id"]: s["pid"] for s in whole.json("status")["services"]}
    assert whole.json("up")["ok"] is True
    assert {s["id"]: s["pid"] for s in whole.json("status")["services"]} == before
    steps = whole.json("up", "--dry-run")["steps"]
    assert {step["action"] for step in steps} == {"keep"}


def test_the_table_of_urls_comes_last_on_stdout(whole: Checkout) -> None:
    printed = plain(whole.ok("up"))
    for _, port, protocol in PORT_REFERENCE:
        if protocol == "HTTP":
            assert f"http://127.0.0.1:{port}" in printed
    assert "17 services, 19 ports healthy" in printed
    for secret in whole.secrets.values():
        assert secret not in printed


def test_forty_columns_lose_nothing(whole: Checkout) -> None:
    printed = plain(whole.ok("status", COLUMNS="40"))
    for _, port, _ in PORT_REFERENCE:
        assert f"127.0.0.1:{port}" in printed


def test_no_colour_means_no_escapes(whole: Checkout) -> None:
    for extra in ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}, {}):
        assert "\x1b[3" not in whole.ok("status", **extra)


def test_secrets_are_in_no_process_list_no_loose_file_and_no_log(whole: Checkout) -> None:
    secrets = [value for value in whole.secrets.values() if value]
    assert len(secrets) >= 5
    for pid in whole.pids():
        command = Path(f"/proc/{pid}/cmdline").read_text()
        assert not any(secret in command for secret in secrets)
    for path in whole.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes()
            if any(secret.encode() in text for secret in secrets):
                assert path.stat().st_mode & 0o077 == 0, path
    for arguments in (["logs"], ["status", "--json"], ["up", "--dry-run", "--json"]):
        printed = whole.ok(*arguments)
        assert not any(secret in printed for secret in secrets), arguments


def test_psql_needs_no_password(whole: Checkout) -> None:
    printed = whole.ok("exec", "db-postgres", "psql", "-Atc", "select 6 * 7")
    assert printed == "42\n"


def test_exec_and_run_pass_the_exit_code_on(whole: Checkout) -> None:
    assert whole.run("exec", "redis", "sh", "-c", "exit 7").returncode == 7
    assert whole.run("exec", "redis", "--", "sh", "-c", "exit 7").returncode == 7
    assert whole.run("run", "--", "sh", "-c", "exit 8").returncode == 8


def test_run_gives_a_host_command_every_endpoint(whole: Checkout) -> None:
    printed = whole.ok("run", "--", "printenv", "ALFRED_DATABASE_URL", "PUBSUB_EMULATOR_HOST")
    password = whole.secrets["POSTGRES_PASSWORD"]
    assert printed.splitlines() == [
        f"postgresql://postgres:{password}@127.0.0.1:5432/postgres",
        "127.0.0.1:8085",
    ]


def test_env_in_its_three_formats_says_the_same(whole: Checkout) -> None:
    variables = json.loads(whole.ok("env", "--format", "json"))
    assert variables == whole.json("env")["variables"]
    dotenv = dict(line.split("=", 1) for line in whole.ok("env").splitlines())
    assert dotenv == variables
    script = whole.ok("env", "--format", "shell") + 'printf %s "$ALFRED_REDIS_URL"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == variables["ALFRED_REDIS_URL"]


def test_logs_are_stamped_merged_and_filtered(whole: Checkout) -> None:
    documents = [json.loads(line) for line in whole.ok("logs", "--json").splitlines()]
    assert [d["ts"] for d in documents] == sorted(d["ts"] for d in documents)
    assert {"db-postgres", "redis", "agent-core"} <= {d["service"] for d in documents}
    assert len(whole.ok("logs", "redis", "--tail", "2").splitlines()) == 2
    assert whole.ok("logs", "--since", "0s") == ""


def test_logs_follow_shows_new_lines(whole: Checkout) -> None:
    follower = whole.popen("logs", "-f", "--tail", "0", "auth-ui", "--json")
    try:
        log = whole.root / ".alfred/logs/auth-ui.log"
        assert follower.stdout
        os.set_blocking(follower.stdout.fileno(), False)
        deadline = time.monotonic() + 20
        line = ""
        while not line and time.monotonic() < deadline:
            with log.open("a") as file:
                file.write("2030-01-01T00:00:00.000Z a new line\n")
            time.sleep(0.3)
            line = follower.stdout.readline()
        assert json.loads(line)["message"] == "a new line"
    finally:
        follower.kill()
        follower.communicate()


def test_a_dead_proxy_does_not_matter(whole: Checkout) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    assert whole.json("status", variables=proxies)["ok"] is True


def test_status_says_where_everything_comes_from(whole: Checkout) -> None:
    sources = {s["id"]: (s["from"], s["from_detail"]) for s in whole.json("status")["services"]}
    assert sources["db-postgres"][0] == "embedded"
    assert "pgvector" in sources["db-postgres"][1]
    assert sources["agent-core"][0] == "stand-in"


def test_wait_returns_at_once_for_what_is_healthy(whole: Checkout) -> None:
    assert whole.json("wait", "postgres")["services"][0]["health"] == "healthy"
    refused = whole.run("wait", "redis", "--for", "down", "--timeout", "0.3")
    assert refused.returncode == 4
    assert "redis is not down after 0.3 s" in refused.stderr


def test_the_checkout_has_only_private_files(whole: Checkout) -> None:
    assert (whole.root / ".env").stat().st_mode & 0o777 == 0o600
    assert (whole.root / ".alfred").stat().st_mode & 0o777 == 0o700
