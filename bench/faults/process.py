"""Faults of local processes. Identifiers with a letter and two digits are those of the public
list; the others (Q..) are ours, kinds that the list does not have."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.faults import programs
from bench.faults.record import Fault, fault
from bench.faults.world import Undo, World, until

Inject = Callable[[World], Undo]
Change = Callable[[str], str]
NOTHING: Undo = lambda: None  # noqa: E731


def in_turn(*actions: Callable[[World], object], undo: Inject) -> Inject:
    """Do several things; ``undo`` makes what undoes them."""

    def inject(world: World) -> Undo:
        for action in actions:
            action(world)
        return undo(world)

    return inject


def stopped(name: str) -> Inject:
    def inject(world: World) -> Undo:
        world.run("stop", name)
        return lambda: world.run("start", name)

    return inject


def signalled(name: str, number: int, *, wait_s: float = 0.2) -> Inject:
    def inject(world: World) -> Undo:
        pid = world.pid(name)
        os.kill(pid, number)
        until(lambda: False, wait_s)

        def undo() -> None:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return

        return undo

    return inject


def squatted(name: str, port: int, program: str, **values: object) -> Inject:
    def inject(world: World) -> Undo:
        return world.squat(name, port, program.format(port=port, **values))

    return inject


def shell(key: str, value: str) -> Inject:
    return lambda world: world.variable(key, value)


def dotenv(change: Change) -> Inject:
    return lambda world: world.edit(".env", change)


def without(key: str) -> Change:
    def change(text: str) -> str:
        return "".join(ln for ln in text.splitlines(True) if not ln.startswith(f"{key}="))

    return change


def valued(key: str, value: str) -> Change:
    return lambda text: without(key)(text) + f"{key}={value}\n"


def project(text: str, *services: str) -> Inject:
    """Write alfred.yaml and bring its services up with it."""

    def inject(world: World) -> Undo:
        back = world.edit("alfred.yaml", lambda old: text)
        if services:
            world.run("up", *services, "--wait-timeout", "6")

        def undo() -> None:
            back()
            world.run("up", *services)

        return undo

    return inject


def told(service: str, variable: str, value: str) -> Inject:
    text = f'services:\n  {service}:\n    env:\n      {variable}: "{value}"\n'
    return project(text, service)


def offline_data(service: str, change: Callable[[Path], object]) -> Inject:
    """Stop a service, change its data folder, start it."""

    def inject(world: World) -> Undo:
        world.run("stop", service)
        folder = world.alfred / "data" / service
        copy = world.root.parent / f"copy-{service}"
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-a", folder, copy], check=True)
        change(folder)
        world.run("start", service, "--wait-timeout", "8")

        def undo() -> None:
            world.run("stop", service)
            for other in folder.parent.glob(f"{service}.*"):
                subprocess.run(["rm", "-rf", other], check=True)
            subprocess.run(["rm", "-rf", folder], check=True)
            copy.rename(folder)
            world.run("start", service)

        return undo

    return inject


def altered(world: World) -> Undo:
    old = world.secret("POSTGRES_PASSWORD")
    sql(world, "ALTER ROLE postgres PASSWORD 'another'", old)

    def undo() -> None:
        try:
            sql(world, f"ALTER ROLE postgres PASSWORD '{old}'", "another")
        except Exception:  # noqa: BLE001 - mended already
            return

    return undo


def sql(world: World, statement: str, password: str) -> None:
    import asyncio

    import asyncpg

    async def run() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=5432, user="postgres", password=password, database="postgres"
        )
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def postgres_read_only(world: World) -> Undo:
    password = world.secret("POSTGRES_PASSWORD")
    sql(world, "ALTER SYSTEM SET default_transaction_read_only = on", password)
    sql(world, "SELECT pg_reload_conf()", password)

    def undo() -> None:
        world.run("stop", "db-postgres")
        (world.alfred / "data/db-postgres/postgresql.auto.conf").write_text("")
        world.run("start", "db-postgres")

    return undo


def from_the_future(world: World) -> Undo:
    path = world.alfred / "state.json"
    os.utime(path, (4e9, 4e9))
    return lambda: os.utime(path)


def redis(world: World, *commands: str) -> None:
    with socket.create_connection(("127.0.0.1", 6379), 3) as link:
        for command in (f"AUTH {world.secret('REDIS_PASSWORD')}", *commands):
            link.sendall(command.encode() + b"\r\n")
            link.recv(4096)


def redis_set(*commands: str) -> Inject:
    def inject(world: World) -> Undo:
        redis(world, *commands)
        return lambda: world.run("restart", "redis")

    return inject


def network(do: str, undo: str) -> Inject:
    def inject(world: World) -> Undo:
        subprocess.run(["sh", "-c", do], check=True)
        return lambda: subprocess.run(["sh", "-c", undo], check=False, capture_output=True)

    return inject


def supervisor(number: int) -> Inject:
    def inject(world: World) -> Undo:
        import json

        pid = json.loads((world.alfred / "run/supervisor.json").read_text())["pid"]
        os.kill(pid, number)
        until(lambda: False, 0.3)

        def undo() -> None:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return

        return undo

    return inject


def all_killed(world: World) -> Undo:
    import json

    supervisor(signal.SIGKILL)(world)
    for path in (world.alfred / "run/started").glob("*.json"):
        try:
            os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue
    return NOTHING


def mode(name: str, bits: int) -> Inject:
    def inject(world: World) -> Undo:
        path = world.root / name
        old = path.stat().st_mode & 0o7777
        path.chmod(bits)
        return lambda: path.chmod(old)

    return inject


def planted(program: str, source: str, service: str) -> Inject:
    """Put a program on PATH before the real one, and start the service with it."""

    def inject(world: World) -> Undo:
        folder = world.root.parent / "planted"
        folder.mkdir(exist_ok=True)
        path = folder / program
        path.write_text(source)
        path.chmod(0o755)
        world.environment["PATH"] = f"{folder}:{world.variables()['PATH']}"
        world.run("restart", service, "--wait-timeout", "5")

        def undo() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            world.environment.pop("PATH", None)

        return undo

    return inject


def hogs(world: World) -> Undo:
    count = os.cpu_count() or 1
    undos = [world.spawn(sys.executable, "-c", "while True: pass") for _ in range(count * 3)]
    until(lambda: False, 1.5)

    def undo() -> None:
        for one in undos:
            one()

    return undo


def small_disk(world: World) -> Undo:
    """Mount a tiny file system over the logs and fill it."""
    logs = world.alfred / "logs"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", logs], check=True)
    with (logs / "filler").open("wb") as file:
        try:
            file.write(b"x" * 100_000)
            file.flush()
        except OSError:
            pass
    return lambda: subprocess.run(["umount", "-l", logs], check=False)


def read_only(world: World) -> Undo:
    run = world.alfred / "run"
    subprocess.run(["mount", "--bind", run, run], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", run], check=True)
    return lambda: subprocess.run(["umount", "-l", run], check=False)


def few_files(world: World) -> Undo:
    """Start a service from a shell that may open few files."""
    world.run("down")
    subprocess.run(
        ["bash", "-c", f"ulimit -n 64; {sys.executable} -m alfred_dev up --wait-timeout 20"],
        cwd=world.root, env=world.variables(), capture_output=True, check=False,
    )  # fmt: skip
    return lambda: world.run("down")


STRANGER = programs.ANSWERS
FAULTS: tuple[Fault, ...] = (
    fault(
        "S01",
        "a service is not started",
        "service-stopped",
        stopped("agent-rag"),
        touches="agent-rag",
        subjects="agent-rag",
    ),
    fault(
        "S13",
        "the database is down",
        "service-stopped",
        stopped("db-postgres"),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "Q01",
        "the vector database is stopped",
        "service-stopped",
        stopped("vector-db"),
        touches="vector-db",
        subjects="vector-db",
    ),
    fault(
        "Q02",
        "a service is frozen (SIGSTOP)",
        "service-frozen",
        signalled("model-router", signal.SIGSTOP),
        touches="model-router",
        subjects="model-router",
    ),
    fault(
        "Q03",
        "Postgres is frozen",
        "service-frozen",
        signalled("db-postgres", signal.SIGSTOP),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "Q04",
        "the supervisor is killed, services live on",
        "supervisor-lost",
        supervisor(signal.SIGKILL),
        touches="*",
        pair=False,
    ),
    fault(
        "Q05",
        "everything is killed at once (a reboot)",
        "supervisor-lost",
        all_killed,
        touches="*",
        pair=False,
    ),
    fault(
        "Q06",
        "the supervisor is frozen",
        "supervisor-lost",
        supervisor(signal.SIGSTOP),
        touches="*",
        pair=False,
    ),
    fault(
        "P01",
        "a native server holds a port",
        "port-taken",
        squatted("db-postgres", 5432, programs.HTTP_FOLDER),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "P07",
        "a stranger answers 200 on a service's port",
        "port-taken",
        squatted("agent-core", 8011, STRANGER, status=200),
        touches="agent-core",
        subjects="agent-core",
    ),
    fault(
        "P16",
        "a stranger accepts and never answers",
        "port-taken",
        squatted("ui-admin", 3007, programs.SILENT),
        touches="ui-admin",
        subjects="ui-admin",
    ),
    fault(
        "S21",
        "HTTP answers on the Redis port",
        "port-taken",
        squatted("redis", 6379, STRANGER, status=400),
        touches="redis",
        subjects="redis",
    ),
    fault(
        "Q07",
        "a stranger on all addresses",
        "port-taken",
        squatted("mail-server", 1025, programs.EVERYWHERE, status=200),
        touches="mail-server",
        subjects="mail-server",
    ),
    fault(
        "E01",
        ".env is gone",
        "setting-missing",
        lambda w: w.move(".env"),
        touches=".env",
        pair=False,
    ),
    fault(
        "E02",
        "a required variable is empty",
        "setting-missing",
        dotenv(valued("REDIS_PASSWORD", "")),
        touches=".env",
    ),
    fault(
        "X07",
        ".env lost a key",
        "setting-missing",
        dotenv(without("DB_JWT_SECRET")),
        touches=".env",
    ),
    fault(
        "V02",
        "password changed after the data was made",
        "password-mismatch",
        altered,
        touches="db-postgres .env",
        subjects="db-postgres",
    ),
    fault(
        "Q08",
        "password in .env edited while it runs",
        "password-mismatch",
        dotenv(valued("POSTGRES_PASSWORD", "edited-by-hand")),
        touches="db-postgres .env",
        subjects="db-postgres",
    ),
    fault(
        "E05",
        "a shell variable beats .env",
        "password-mismatch env-shadowed",
        shell("POSTGRES_PASSWORD", "old-value"),
        touches="db-postgres shell",
        subjects="POSTGRES_PASSWORD db-postgres",
    ),
    fault(
        "Q09",
        "the shell's log level beats .env",
        "env-shadowed settings-changed",
        lambda w: (
            w.edit(".env", lambda t: t + "ALFRED_LOG_LEVEL=INFO\n"),
            w.variable("ALFRED_LOG_LEVEL", "DEBUG"),
        )[0],
        touches="shell .env",
        pair=False,
    ),
    fault(
        "E03",
        "wrong database password in one URL",
        "endpoint-wrong",
        told(
            "agent-core",
            "ALFRED_DATABASE_URL",
            "postgresql://postgres:postgres@127.0.0.1:5432/postgres",
        ),
        touches="alfred.yaml agent-core",
        subjects="agent-core",
    ),
    fault(
        "E07",
        "special characters in a URL's password",
        "endpoint-wrong",
        told(
            "model-registry",
            "ALFRED_DATABASE_URL",
            "postgresql://postgres:p@ss/1#x@127.0.0.1:5432/postgres",
        ),
        touches="alfred.yaml model-registry",
        subjects="model-registry",
    ),
    fault(
        "E08",
        "Redis URL without the password",
        "endpoint-wrong",
        told("agent-rag", "ALFRED_REDIS_URL", "redis://127.0.0.1:6379/0"),
        touches="alfred.yaml agent-rag",
        subjects="agent-rag",
    ),
    fault(
        "E12",
        "a URL with another port",
        "endpoint-wrong",
        told("model-router", "MODEL_REGISTRY_URL", "http://127.0.0.1:18079"),
        touches="alfred.yaml model-router",
        subjects="model-router",
    ),
    fault(
        "F01",
        "hop 2 of a chain is broken",
        "endpoint-wrong",
        told("agent-core", "ALFRED_MODEL_ROUTER_URL", "http://127.0.0.1:8079/nowhere"),
        touches="alfred.yaml agent-core",
        subjects="agent-core",
    ),
    fault(
        "Q10",
        "a host that does not resolve",
        "endpoint-wrong",
        told("ui-chat", "ALFRED_API_URL", "http://no-such-host.invalid:8011"),
        touches="alfred.yaml ui-chat",
        subjects="ui-chat",
    ),
    fault(
        "V09",
        "a URL names a database that is not there",
        "endpoint-wrong",
        told(
            "agent-legal",
            "ALFRED_DATABASE_URL",
            "postgresql://postgres:PASSWORD@127.0.0.1:5432/alfred",
        ),
        touches="alfred.yaml agent-legal",
        subjects="agent-legal",
    ),
    fault(
        "E15",
        "a tab in alfred.yaml",
        "config-invalid",
        project("services:\n\tredis: {}\n"),
        touches="alfred.yaml",
        mends="what the file should say is the user's to know",
    ),
    fault(
        "Q11",
        "an unknown key in alfred.yaml",
        "config-invalid",
        project("servces:\n  redis: {}\n"),
        touches="alfred.yaml",
        mends="what the file should say is the user's to know",
    ),
    fault(
        "Q12",
        "a line of .env is no assignment",
        "config-invalid",
        dotenv(lambda t: t + "this is not an assignment\n"),
        touches=".env",
    ),
    fault(
        "E11",
        "a JWT secret that is too short",
        "config-invalid",
        dotenv(valued("DB_JWT_SECRET", "short")),
        touches=".env",
    ),
    fault(
        "E20",
        "a placeholder was never filled in",
        "env-untidy",
        dotenv(valued("ALFRED_OPENAI_API_KEY", "CHANGE_ME_please")),
        touches=".env",
    ),
    fault(
        "E22",
        ".env with CRLF",
        "env-untidy",
        lambda w: w.edit(".env", lambda t: t.replace("\n", "\r\n")),
        touches=".env",
    ),
    fault(
        "Q13",
        "a key stands twice in .env",
        "env-untidy",
        dotenv(lambda t: "ALFRED_LOG_LEVEL=INFO\n" + t + "ALFRED_LOG_LEVEL=INFO\n"),
        touches=".env",
    ),
    fault(
        "Q14",
        "a misspelt setting",
        "key-unknown",
        dotenv(lambda t: t + "ALFRED_LOG_LEVLE=DEBUG\n"),
        touches=".env",
    ),
    fault("Q15", "others may read .env", "files-open", mode(".env", 0o644), touches="mode"),
    fault(
        "X01",
        ".env changed, services not restarted",
        "settings-changed",
        dotenv(lambda t: t + "ALFRED_LOG_LEVEL=DEBUG\n"),
        touches=".env",
    ),
    fault(
        "X02",
        "alfred.yaml changed, services not restarted",
        "settings-changed",
        project("services:\n  ui-chat:\n    env: {EXTRA: '1'}\n"),
        touches="alfred.yaml ui-chat",
    ),
    fault(
        "Q16",
        "a rendered file was edited",
        "render-changed",
        lambda w: w.edit(".alfred/render/prometheus/prometheus.yml", lambda t: t + "# x\n"),
        touches="render",
    ),
    fault(
        "Q17",
        "the state file is torn",
        "state-torn",
        lambda w: w.edit(".alfred/state.json", lambda t: t[:10]),
        touches="state",
    ),
    fault(
        "V01",
        "data of another major version",
        "data-other-version",
        offline_data("db-postgres", lambda d: (d / "PG_VERSION").write_text("14\n")),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "V05",
        "wrong mode on the data",
        "data-access",
        offline_data("db-postgres", lambda d: d.chmod(0o755)),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "Q18",
        "the data folder holds something else",
        "data-damaged",
        offline_data("db-postgres", lambda d: (d / "PG_VERSION").unlink()),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "Q19",
        "control file of Postgres is gone",
        "data-damaged",
        offline_data("db-postgres", lambda d: (d / "global/pg_control").unlink()),
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "Q20",
        "the append-only file of Redis is garbage",
        "data-damaged",
        offline_data(
            "redis",
            lambda d: [
                p.write_bytes(b"garbage\n") for p in (d / "appendonlydir").glob("*") if p.is_file()
            ],
        ),
        touches="redis",
        subjects="redis",
    ),
    fault(
        "Q21",
        "Redis lets everybody in",
        "password-open",
        redis_set('CONFIG SET requirepass ""'),
        touches="redis",
        subjects="redis",
    ),
    fault(
        "Q22",
        "Redis got another password while it runs",
        "password-mismatch",
        redis_set("CONFIG SET requirepass another"),
        touches="redis",
        subjects="redis",
    ),
    fault(
        "V11",
        "Redis refuses writes",
        "redis-refuses-writes",
        redis_set("CONFIG SET min-replicas-to-write 1"),
        touches="redis",
        subjects="redis",
    ),
    fault(
        "Q23",
        "Redis is at its memory limit",
        "redis-refuses-writes",
        redis_set("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1000"),
        touches="redis",
        subjects="redis",
    ),
    fault(
        "Q24",
        "Postgres is read-only",
        "postgres-refuses-writes",
        postgres_read_only,
        touches="db-postgres",
        subjects="db-postgres",
    ),
    fault(
        "S02",
        "a program that ends at once",
        "service-ended program-unusable setting-refused",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho boom; exit 1\n',
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "D19",
        "the entry point is not there",
        "program-unusable",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec python3 simple_bot.py\n',
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "S15",
        "an empty token kills the service",
        "setting-refused",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\n'
            "echo 'ValueError: TELEGRAM_BOT_TOKEN is empty' >&2; exit 1\n",
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "S04",
        "health answers 500",
        "service-unready",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec '
            f'{sys.executable} -c "{programs.ANSWERS.format(port=9090, status=500)}"\n',
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "Q25",
        "a service of ours accepts and hangs",
        "service-silent",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec '
            f'{sys.executable} -c "{programs.SILENT.format(port=9090)}"\n',
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "P11",
        "a server moved to its fallback port",
        "service-not-listening",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec '
            f'{sys.executable} -c "{programs.ANSWERS.format(port=9097, status=200)}"\n',
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "P12",
        "a port on all interfaces",
        "port-public",
        planted(
            "prometheus",
            '#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec '
            f'{sys.executable} -c "{programs.EVERYWHERE.format(port=9090, status=200)}"\n',
            "monitoring-metrics",
        ),
        touches="monitoring-metrics",
        subjects="monitoring-metrics",
        mends="the program itself is broken",
    ),
    fault(
        "W04",
        "packets dropped by a firewall",
        "firewall",
        network(
            "iptables -I INPUT -p tcp --dport 8080 -j DROP",
            "iptables -D INPUT -p tcp --dport 8080 -j DROP",
        ),
        touches="firewall",
    ),
    fault(
        "Q26",
        "packets refused by a firewall",
        "firewall",
        network(
            "iptables -I OUTPUT -p tcp --dport 6333 -j REJECT",
            "iptables -D OUTPUT -p tcp --dport 6333 -j REJECT",
        ),
        touches="firewall",
    ),
    fault(
        "Q27",
        "loopback is down",
        "loopback-broken",
        network("ip link set lo down", "ip link set lo up; ip address replace ::1/128 dev lo"),
        touches="*",
        pair=False,
    ),
    fault(
        "H06",
        "a proxy without exceptions",
        "proxy-without-exception",
        shell("http_proxy", "http://127.0.0.1:9"),
        touches="shell",
    ),
    fault(
        "H07",
        "the clock went back",
        "clock-wrong",
        from_the_future,
        touches="clock",
        mends="no clock can be set on this machine",
    ),
    fault(
        "R02",
        "a disk is full",
        "disk-full",
        small_disk,
        touches="disk",
        mends="what to delete is the user's to know",
    ),
    fault(
        "Q29",
        "a folder of ours is read-only",
        "disk-read-only",
        read_only,
        touches="run",
        pair=False,
    ),
    fault(
        "R04",
        "few open files",
        "too-many-open-files limits-low supervisor-lost",
        few_files,
        touches="*",
        subjects="descriptors files",
        pair=False,
    ),
    fault("R06", "the processors are busy", "cpu-busy", hogs, touches="cpu", pair=False),
    fault(
        "Q30",
        "my own process is not running",
        "service-not-listening",
        project("services:\n  agent-core:\n    host_port: 9911\n"),
        touches="alfred.yaml agent-core",
        subjects="agent-core",
        mends="it is the developer's own process",
    ),
)
assert len({f.id for f in FAULTS}) == len(FAULTS)
assert Path(sys.executable).exists()
