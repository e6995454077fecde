"""Faults that are not on the public list, invented after the checks were written: what the doctor
says of these tells whether it sees in general. None takes part in pairs."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.faults.data import offline_data, redis, redis_set, sql
from bench.faults.machine import network
from bench.faults.record import Fault, fault
from bench.faults.ways import Inject, told
from bench.faults.world import Undo, World, until

CHAIN = "-p tcp --dport 1025 -j DROP"
CORE = """
import http.server as h, json
class A(h.BaseHTTPRequestHandler):
    def do_GET(self):
        b = json.dumps({'status': 'ok', 'service': 'agent-core', 'stand_in': True}).encode()
        self.send_response(200); self.send_header('content-length', str(len(b))); self.end_headers()
        self.wfile.write(b)
    def log_message(self, *a): pass
h.ThreadingHTTPServer(('127.0.0.1', 8011), A).serve_forever()
"""


def child_frozen(world: World) -> Undo:
    """Stop one of the processes behind Postgres; it goes on answering."""
    child = psutil.Process(world.pid("db-postgres")).children(recursive=True)[-1]
    child.suspend()
    return lambda: child.resume() if child.is_running() else None


def given_away(folder: Path) -> None:
    os.chown(folder / "global/pg_control", 12345, 12345)


def cut_journal(folder: Path) -> None:
    for path in (folder / "pg_wal").iterdir():
        if path.is_file():
            os.truncate(path, 0)


def scribbled(pattern: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for path in folder.rglob(pattern):
            if path.is_file():
                path.write_bytes(b"\0\1garbage" * 20)

    return change


def swapped_leaf(world: World) -> Undo:
    certs = world.root / "certs"
    pairs = [(certs / f"gateway{end}", certs / f"loopback{end}") for end in (".key", ".pem")]
    old = {mine: mine.read_bytes() for mine, _ in pairs}
    for mine, other in pairs:
        new = certs / ".new"
        shutil.copy(other, new)
        new.replace(mine)
    until(lambda: False, 1)

    def undo() -> None:
        for path, data in old.items():
            new = certs / ".new"
            new.write_bytes(data)
            new.chmod(path.stat().st_mode & 0o777)
            new.replace(path)
        world.run("restart", "gateway")

    return undo


def full_data(world: World) -> Undo:
    """Lay a tiny, full file system over the data of Redis."""
    world.run("stop", "redis")
    folder = world.alfred / "data/redis"
    options = "size=16k,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    with contextlib.suppress(OSError):
        (folder / "filler").write_bytes(b"x" * 100_000)
    world.run("start", "redis", "--wait-timeout", "6")

    def undo() -> None:
        world.run("stop", "redis")
        subprocess.run(["umount", "-l", folder], check=False)
        world.run("start", "redis")

    return undo


def few_files(world: World) -> Undo:
    """Take from a service that runs the right to open more files."""
    pid = world.pid("agent-core")
    held = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held, 1024))
    return lambda: world.run("restart", "agent-core")


def resolver_order(world: World) -> Undo:
    del world
    path = Path("/etc/nsswitch.conf")
    old = path.read_text()
    path.write_text("\n".join("hosts: dns" if ln.startswith("hosts:") else ln
                              for ln in old.splitlines()) + "\n")  # fmt: skip
    return lambda: path.write_text(old)


def earlier_checkout(world: World) -> Undo:
    """A process like ours, of nobody knows which checkout, answers on a port of ours."""
    return world.squat("agent-core", 8011, CORE)


def lost_column(world: World) -> Undo:
    """Drop what agent-core does not make anew by itself, as it does a whole table."""
    password = world.secret("POSTGRES_PASSWORD")
    sql(world, "ALTER TABLE alfred_dev.tasks DROP COLUMN service", password)

    def undo() -> None:
        sql(world, "DROP TABLE alfred_dev.tasks CASCADE", password)
        world.run("restart", "agent-core")

    return undo


def one_client(world: World) -> Undo:
    redis(world, "CONFIG SET maxclients 1")
    return lambda: world.run("restart", "redis")


def held_lock(world: World) -> Undo:
    """Leave a transaction open that has locked a table."""
    import asyncio

    import asyncpg

    end = threading.Event()

    async def hold() -> None:
        link = await asyncpg.connect(host="127.0.0.1", port=5432, user="postgres",
                                     password=world.secret("POSTGRES_PASSWORD"),
                                     database="postgres")  # fmt: skip
        await link.execute("BEGIN; LOCK TABLE alfred_dev.tasks IN ACCESS EXCLUSIVE MODE")
        while not end.is_set() and not link.is_closed():
            await asyncio.sleep(0.1)
        link.terminate()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    until(lambda: False, 1)

    def undo() -> None:
        end.set()
        thread.join()

    return undo


def many_sessions(world: World) -> Undo:
    """Take every connection that Postgres has."""
    script = f"""
import asyncio, asyncpg
async def main():
    kept = []
    try:
        while True:
            kept.append(await asyncpg.connect(host='127.0.0.1', port=5432, user='postgres',
                        password={world.secret("POSTGRES_PASSWORD")!r}, database='postgres'))
    except asyncpg.TooManyConnectionsError:
        await asyncio.sleep(9999)
asyncio.run(main())
"""
    undo = world.spawn(sys.executable, "-c", script)
    until(lambda: False, 4)
    return undo


def killed_often(world: World) -> Undo:
    """Kill a service as often as it comes back."""
    for _ in range(8):
        row = world.services()["model-registry"]
        if row.get("pid"):  # else it is just started again
            os.kill(int(row["pid"]), signal.SIGKILL)
        until(lambda: False, 0.3)
    return lambda: world.run("start", "model-registry")


def override(world: World) -> Undo:
    text = "services:\n  redis-old:\n    image: redis:7\n    ports: ['0.0.0.0:6379:99999']\n"
    return world.edit("docker-compose.override.yml", lambda old: text)


def firewall_chain() -> Inject:
    return network(
        f"iptables -N ALFRED-X; iptables -A ALFRED-X {CHAIN}; iptables -I INPUT -j ALFRED-X",
        "iptables -D INPUT -j ALFRED-X; iptables -F ALFRED-X; iptables -X ALFRED-X",
    )


def keys_torn(world: World) -> Undo:
    (path,) = world.alfred.glob("**/keys.json")
    return world.edit(str(path.relative_to(world.root)), lambda text: text[:20])


FAULTS: tuple[Fault, ...] = (
    fault("U01", "a process behind Postgres is frozen", "service-frozen", child_frozen,
          touches="db-postgres", subjects="db-postgres", pair=False),
    fault("U02", "a data file belongs to somebody else", "data-access",
          offline_data("db-postgres", given_away), touches="db-postgres", subjects="db-postgres",
          pair=False),
    fault("U03", "the leaf is another one's", "certificate-unusable", swapped_leaf,
          touches="certs", pair=False),
    fault("U04", "a URL with a misspelt scheme", "endpoint-wrong",
          told("agent-core", "ALFRED_MODEL_ROUTER_URL", "htp://127.0.0.1:8080"),
          touches="alfred.yaml", subjects="agent-core", pair=False),
    fault("U05", "a stale compose override", "compose-file-wrong", override,
          touches="files", mends="what the file should say is the user's to know", pair=False),
    fault("U06", "the disk of one store is full", "disk-full volume-full", full_data,
          touches="redis", subjects="redis", mends="what to delete is the user's to know",
          pair=False),
    fault("U07", "a drop in a chain of the firewall's own", "firewall", firewall_chain(),
          touches="firewall", subjects="mail-server", pair=False),
    fault("U08", "a running service may open no more files", "too-many-open-files", few_files,
          touches="agent-core", subjects="agent-core", pair=False),
    fault("U09", "the resolver asks no hosts file", "loopback-broken names-lost", resolver_order,
          touches="names", pair=False),
    fault("U10", "an earlier checkout answers on a port", "port-taken", earlier_checkout,
          touches="agent-core", subjects="agent-core", pair=False),
    fault("U11", "a table lost a column", "database-object-missing flow-broken service-unready",
          lost_column, touches="db-postgres", subjects="db-postgres agent-core",
          mends="what to do with the table is the user's to know", pair=False),
    fault("U12", "Redis takes one client only", "redis-refuses-writes service-unready", one_client,
          touches="redis", subjects="redis", pair=False),
    fault("U13", "the journal of Postgres is cut", "data-damaged",
          offline_data("db-postgres", cut_journal), touches="db-postgres", subjects="db-postgres",
          pair=False),
    fault("U14", "a transaction holds a table", "postgres-connections", held_lock,
          touches="db-postgres", subjects="db-postgres", pair=False),
    fault("U15", "every session of Postgres is taken", "postgres-connections", many_sessions,
          touches="db-postgres", subjects="db-postgres", pair=False),
    fault("U16", "a service is killed over and over", "killed service-restarting", killed_often,
          touches="model-registry", subjects="model-registry", pair=False),
    fault("U17", "the mails are garbage", "data-damaged",
          offline_data("mail-server", scribbled("*.db")), touches="mail-server",
          subjects="mail-server", pair=False),
    fault("U18", "the vectors are garbage", "data-damaged",
          offline_data("vector-db", scribbled("*")), touches="vector-db", subjects="vector-db",
          pair=False),
    fault("U19", "Redis holds all writes back", "redis-refuses-writes",
          redis_set("CLIENT PAUSE 600000 WRITE"), touches="redis", subjects="redis", pair=False),
    fault("U20", "the signing keys are torn", "state-torn", keys_torn, touches="identity",
          subjects="keys.json", pair=False),
)  # fmt: skip
# Those that are made through a port or a file of the project: the same in containers.
ANYWHERE = frozenset({"U03", "U05", "U12", "U14", "U15", "U19", "U20"})
