"""How quick a tunnel by ssh is on loopback: opened, asked, cut and restored, and killed.

    python -m bench.tunnel

Runs a service, an sshd with keys of its own and the command line itself. Prints one table of
medians, worst cases and ratios; judges nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from alfred_dev.host import processes
from alfred_dev.tunnel import state
from alfred_dev.tunnel.wire import fetch
from tests import sshd
from tests.e2e.checkout import Checkout
from tests.servers import free_port

OPENINGS, REQUESTS, CUTS, KILLS = 7, 300, 5, 20
Row = tuple[str, list[float], str]


async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 200 to whatever is asked."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    await writer.drain()
    writer.close()


def serve(port: int) -> None:
    """Be the service, in a process of its own."""

    async def forever() -> None:
        server = await asyncio.start_server(service, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(forever())


def opened(checkout: Checkout, host: str) -> tuple[subprocess.Popen[str], Any]:
    """Open a tunnel in the foreground."""
    process = checkout.popen("tunnel", "agent-core", "--ssh-host", host, "--public", "--json")
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate()


def asked(url: str, count: int) -> list[float]:
    """Return milliseconds of requests one after the other, each on a connection of its own."""

    async def many() -> list[float]:
        found = []
        for _ in range(count):
            began = time.perf_counter()
            await fetch(url)
            found.append((time.perf_counter() - began) * 1000)
        return found

    return asyncio.run(many())


def answers(url: str) -> bool:
    try:
        return asyncio.run(fetch(url, timeout_s=1.0)).status == 200
    except OSError:
        return False


def openings(checkout: Checkout, server: sshd.Sshd, service_port: int) -> list[Row]:
    """Return how long it takes from typing to the first answer, and what ssh alone needs."""
    typed, inside, plain = [], [], []
    for _ in range(OPENINGS):
        began = time.perf_counter()
        process, found = opened(checkout, server.host)
        asyncio.run(fetch(found["url"]))
        typed.append(time.perf_counter() - began)
        record = state.read(checkout.root / ".alfred")["agent-core"]
        inside.append(time.time() - record.opened_at - (time.perf_counter() - began - typed[-1]))
        ended(process)
        began = time.perf_counter()
        host, _, port = server.host.rpartition(":")
        argv = ["ssh", "-p", port, "-W", f"127.0.0.1:{service_port}", host]
        ask = b"GET / HTTP/1.0\r\n\r\n"
        environment = {**os.environ, "PATH": server.path}
        subprocess.run(argv, input=ask, env=environment, check=True, capture_output=True)
        plain.append(time.perf_counter() - began)
    ratio = statistics.median(inside) / statistics.median(plain)
    return [
        ("open: typed to first answer, s", typed, ""),
        ("open: opening to first answer, s", inside, f"{ratio:.1f} x a plain ssh"),
        ("the same by a plain ssh -W, s", plain, ""),
    ]


def latency(checkout: Checkout, server: sshd.Sshd, port: int) -> list[Row]:
    """Return what the front, and the front behind ssh, add to a request."""
    process, found = opened(checkout, server.host)
    record = state.read(checkout.root / ".alfred")["agent-core"]
    direct = asked(f"http://127.0.0.1:{port}/", REQUESTS)
    front = asked(f"http://127.0.0.1:{record.port}/", REQUESTS)
    whole = asked(found["url"], REQUESTS)
    ended(process)
    base = statistics.median(direct)
    return [
        ("request to the service, ms", direct, ""),
        ("request through the front, ms", front, f"+{statistics.median(front) - base:.2f} ms"),
        ("request through ssh and front, ms", whole, f"+{statistics.median(whole) - base:.2f} ms"),
    ]


def cuts(checkout: Checkout, server: sshd.Sshd) -> list[Row]:
    """Return how long the URL is dead when the connection is cut and the server is back at once."""
    process, found = opened(checkout, server.host)
    seconds = []
    for _ in range(CUTS):
        server.cut()
        server.start()
        began = time.perf_counter()
        while not answers(found["url"]):
            time.sleep(0.02)
        seconds.append(time.perf_counter() - began)
    ended(process)
    return [("cut: until it answers again, s", seconds, "")]


def kills(checkout: Checkout, server: sshd.Sshd) -> list[Row]:
    """Return how long anything listens or runs after kill -9 of the command."""
    seconds, clean = [], 0
    for _ in range(KILLS):
        process, found = opened(checkout, server.host)
        record = state.read(checkout.root / ".alfred")["agent-core"]
        pids = [record.pid, *(pid for pid, _ in state.children(record.children))]
        process.kill()
        began = time.perf_counter()
        while any(map(processes.exists, pids)) or answers(found["url"]):
            if time.perf_counter() - began > 5:
                break
            time.sleep(0.005)
        else:
            clean += 1
        seconds.append(time.perf_counter() - began)
        process.communicate()
    return [("kill -9: until nothing is left, s", seconds, f"{clean} of {KILLS} within 5 s")]


def main() -> None:
    """Measure all of it, print the table."""
    folder = Path(tempfile.mkdtemp())
    port = free_port()
    stand = subprocess.Popen([sys.executable, "-m", "bench.tunnel", "serve", str(port)])
    try:
        with sshd.running(folder / "sshd") as server:
            checkout = Checkout.make(folder / "project", PATH=server.path)
            text = f"services: {{agent-core: {{host_port: {port}}}}}\n"
            (checkout.root / "alfred.yaml").write_text(text)
            while not answers(f"http://127.0.0.1:{port}/"):
                time.sleep(0.05)
            rows = openings(checkout, server, port) + latency(checkout, server, port)
            rows += cuts(checkout, server) + kills(checkout, server)
            checkout.run("down")
    finally:
        stand.kill()
        stand.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'':36} {'median':>8} {'worst':>8}")
    for name, found, note in rows:
        print(f"{name:36} {statistics.median(found):8.3f} {max(found):8.3f}  {note}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        main()
