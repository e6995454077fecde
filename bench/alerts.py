"""Does every alert fire for its cause, and end with it? ``python -m bench.alerts [ALERT...]``.

Brings a whole stack up in network and mount namespaces of its own (root on Linux), with Prometheus
looking every second, injects each cause for real, and prints when the alert fired and resolved.
Ends with 1 when one of them did not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from alfred_dev.pki import certificates
from alfred_dev.render import alerts
from bench.observe import command

INSIDE = "--inside"
SPACE = "1200M"  # of the file system that is filled
CORE = "http://127.0.0.1:8011"
REGISTRY = "http://127.0.0.1:8079"
DOMAIN = "dev.alfred-platform.example.com"
PATIENCE_S = 180.0
USUAL_S = 130.0
Cause = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def looping(work: Callable[[], object], *, each_s: float = 0.0, times: int = 1) -> Iterator[None]:
    """Do something again and again in ``times`` threads while the block runs."""
    end = threading.Event()

    def loop() -> None:
        while not end.is_set():
            with contextlib.suppress(httpx.HTTPError):
                work()
            end.wait(each_s)

    threads = [threading.Thread(target=loop) for _ in range(times)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


@contextmanager
def stopped(folder: Path, service: str) -> Iterator[None]:
    """Keep a service stopped."""
    command(folder, "stop", service)
    try:
        yield
    finally:
        command(folder, "start", service)


def failing(one_in: int) -> Cause:
    """Ask agent-core, one in so many times for what it cannot answer without its database."""

    @contextmanager
    def cause(folder: Path) -> Iterator[None]:
        with ExitStack() as stack:
            client = stack.enter_context(httpx.Client(base_url=CORE, timeout=20, trust_env=False))

            def ask() -> None:
                for _ in range(one_in - 1):
                    client.get("/whoami")
                client.get("/v1/tasks")

            stack.enter_context(stopped(folder, "db-postgres"))
            stack.enter_context(looping(ask, times=2))
            yield

    return cause


def slow(seconds: float) -> Cause:
    """Lock the table of tasks again and again, so that whoever asks for tasks waits."""

    @contextmanager
    def cause(folder: Path) -> Iterator[None]:
        end = threading.Event()
        locking = threading.Thread(target=lambda: asyncio.run(lock(folder, seconds, end)))
        locking.start()
        with httpx.Client(base_url=CORE, timeout=20, trust_env=False) as client:
            with looping(lambda: client.get("/v1/tasks"), times=3):
                yield
            end.set()
            locking.join()

    return cause


async def lock(folder: Path, seconds: float, end: threading.Event) -> None:
    """Hold the lock, with short pauses."""
    lines = (folder / ".env").read_text().splitlines()
    password = dict(line.split("=", 1) for line in lines if "=" in line)["POSTGRES_PASSWORD"]
    connection = await asyncpg.connect(
        host="127.0.0.1", user="postgres", database="postgres", password=password
    )
    while not end.is_set():
        async with connection.transaction():
            await connection.execute("LOCK TABLE alfred_dev.tasks IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(seconds)
        await asyncio.sleep(0.005)
    await connection.close()


@contextmanager
def ending(folder: Path) -> Iterator[None]:
    """Give the gateway a certificate of ten days; renew it as the alert says."""
    shared = folder.parent / "home/.local/share/alfred-dev/ca"
    ca = certificates.Pair((shared / "ca.pem").read_bytes(), (shared / "ca.key").read_bytes())
    names = [f"api.{DOMAIN}"]
    made = certificates.issue(ca, names, datetime.now(UTC), life=timedelta(days=10))
    for name, data in (("gateway.pem", made.certificate), ("gateway.key", made.key)):
        fresh = folder / "certs" / f".{name}"
        fresh.write_bytes(data)
        fresh.chmod(0o600)
        fresh.replace(folder / "certs" / name)
    yield
    command(folder, "certs", "renew")


@contextmanager
def crowd(folder: Path) -> Iterator[None]:
    """Ask the registry far more often than it is used to."""
    with (
        httpx.Client(base_url=REGISTRY, trust_env=False) as client,
        looping(lambda: client.get("/v1/models"), each_s=0.01),
    ):
        yield


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the disk of the data."""
    space = os.statvfs(folder)
    wanted = int(space.f_blocks * space.f_frsize * 0.88)
    file = folder / "ballast"
    with file.open("wb") as ballast:
        used = (space.f_blocks - space.f_bfree) * space.f_frsize
        os.posix_fallocate(ballast.fileno(), 0, wanted - used)
    yield
    file.unlink()


def through(host: str, path: str, *, token: tuple[str, ...] = ()) -> Cause:
    """Ask the gateway, ten times a second. ``token``: how to make one, none for no credential."""

    @contextmanager
    def cause(folder: Path) -> Iterator[None]:
        headers = {"host": f"{host}.{DOMAIN}"}
        if token:
            made = command(folder, "token", *token).strip().splitlines()[-1]
            headers["authorization"] = f"Bearer {made}"
        with (
            httpx.Client(verify=trusting(), headers=headers, trust_env=False) as client,
            looping(lambda: client.get(f"https://127.0.0.1{path}"), each_s=0.1, times=2),
        ):
            yield

    return cause


def trusting() -> ssl.SSLContext:
    """Return what takes any certificate: here only who is let in is looked at."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


CAUSES: dict[str, tuple[str, Cause, dict[str, str]]] = {
    "ServiceUnavailable": (
        "auth-ui stopped", lambda folder: stopped(folder, "auth-ui"), {"service": "auth-ui"}
    ),
    "HighErrorRate": ("2 % errors", failing(50), {"service": "agent-core"}),
    "HighLatency": ("answers of 600 ms", slow(0.6), {"service": "agent-core"}),
    "CertificateExpiresSoon": ("a certificate of 10 days", ending, {"name": "gateway"}),
    "ElevatedErrorRate": ("0.5 % errors", failing(200), {"service": "agent-core"}),
    "ElevatedLatency": ("answers of 300 ms", slow(0.3), {"service": "agent-core"}),
    "UnusualTraffic": ("ten times as many requests", crowd, {"service": "model-registry"}),
    "ResourceUse": ("a disk filled to 88 %", full, {"resource": "disk"}),
    "FailedAuthentications": ("no token", through("api", "/agents/core/whoami"), {}),
    "RefusedByPolicy": (
        "a user at /admin", through("api", "/agents/core/admin", token=("--user", "ann")), {}
    ),
    "RateLimited": ("20 requests a second of 1 at auth", through("auth", "/login"), {}),
}  # fmt: skip


def firing(name: str, labels: dict[str, str]) -> bool:
    """Tell whether Prometheus says that an alert fires."""
    try:
        answer = httpx.get("http://127.0.0.1:9090/api/v1/alerts", trust_env=False, timeout=10)
        found: list[Any] = answer.json()["data"]["alerts"]
    except (httpx.HTTPError, ValueError, KeyError):
        return False
    wanted = {"alertname": name, **labels}
    return any(a["state"] == "firing" and wanted.items() <= a["labels"].items() for a in found)


def until(true: Callable[[], bool]) -> float | None:
    """Return the seconds until something is true, None when that takes too long."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > PATIENCE_S:
            return None
        time.sleep(0.25)
    return time.monotonic() - began


def measured(name: str, folder: Path) -> tuple[float | None, float | None]:
    """Return the seconds until an alert fired, and until it had resolved."""
    _, cause, labels = CAUSES[name]
    if until(lambda: not firing(name, labels)) is None:
        return None, None
    with cause(folder):
        fired = until(lambda: firing(name, labels))
    return fired, until(lambda: not firing(name, labels))


def inside(chosen: list[str], folder: Path) -> bool:
    """Measure and print all that are chosen."""
    good = True
    print(f"{'alert':24}{'cause':36}{'fired after':>12}{'resolved after':>16}", flush=True)
    began = time.monotonic()
    with (
        httpx.Client(base_url=REGISTRY, trust_env=False, timeout=20) as client,
        looping(lambda: client.get("/v1/models"), each_s=0.2),
    ):
        for name in sorted(chosen, key=lambda n: n == "UnusualTraffic"):
            if name == "UnusualTraffic":  # which needs to know what is usual
                time.sleep(max(0.0, USUAL_S - (time.monotonic() - began)))
            told = [f"{s:.1f} s" if s is not None else "NEVER" for s in measured(name, folder)]
            good &= "NEVER" not in told
            print(f"{name:24}{CAUSES[name][0]:36}{told[0]:>12}{told[1]:>16}", flush=True)
    return good


def main() -> int:
    """Run it in namespaces of its own."""
    arguments = [a for a in sys.argv[1:] if a != INSIDE]
    if INSIDE not in sys.argv:
        script = 'ip link set lo up && exec "$@"'
        again = [sys.executable, "-m", "bench.alerts", INSIDE, *arguments]
        return subprocess.run(["unshare", "-n", "-m", "sh", "-c", script, "sh", *again]).returncode
    missing = set(alerts.names()) - set(CAUSES)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "none", root], check=True)
        folder = Path(root, "project")
        folder.mkdir()
        (folder.parent / "home").mkdir()
        (folder / "alfred.yaml").touch()
        (folder / ".env.local").write_text("ALFRED_METRICS_INTERVAL=1\n")
        command(folder, "up", "--runtime", "process")
        try:
            command(folder, "flow", "events", "-n", "3")  # makes the table
            good = inside(arguments or list(CAUSES), folder)
        finally:
            command(folder, "down")
            subprocess.run(["umount", root], check=False)
    if missing:
        print(f"no cause is known for {json.dumps(sorted(missing))}")
    return 0 if good and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
