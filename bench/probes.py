"""How long 1,000 http probes take, and 19 endpoints that never answer.

    python -m bench.probes

The servers live in a process of their own, as the real ones do. Prints one table; judges nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Target
from alfred_dev.probe.run import probe_all

PROBES = 1000
ENDPOINTS = 19
ROUNDS = 7
TIMEOUT_S = 1.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + b'{"status":"ok"}'


async def serve() -> None:
    """Listen on ``ENDPOINTS`` ports that answer and as many that do not; print them."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        writer.close()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for handler in (answer, stay_silent):
        servers = [
            await asyncio.start_server(handler, "127.0.0.1", 0, backlog=1024)
            for _ in range(ENDPOINTS)
        ]
        sys.stdout.write(" ".join(str(s.sockets[0].getsockname()[1]) for s in servers) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until it is closed


def measure(ports: list[int], count: int, *, expect_ok: bool) -> list[float]:
    """Return the seconds that ``count`` probes over ``ports`` took, in each of ``ROUNDS``."""
    targets = [
        Target(kind=ProbeKind.HTTP, host="127.0.0.1", port=ports[i % len(ports)], path="/health")
        for i in range(count)
    ]
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        results = asyncio.run(probe_all(targets, timeout_s=TIMEOUT_S if not expect_ok else 10))
        seconds.append(time.perf_counter() - started)
        assert {result.ok for result in results} == {expect_ok}, results[0]
    return seconds


def main() -> None:
    """Measure both and print the table."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.probes", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        answering, silent = ([int(p) for p in server.stdout.readline().split()] for _ in "ab")
        rows = [
            (f"{PROBES} http probes", measure(answering, PROBES, expect_ok=True), 1.5),
            (
                f"{ENDPOINTS} silent endpoints, time-out {TIMEOUT_S:g} s",
                measure(silent, ENDPOINTS, expect_ok=False),
                TIMEOUT_S + 0.3,
            ),
        ]
    finally:
        server.communicate()
    print(f"{'':36} {'median s':>9} {'worst s':>9} {'budget s':>9}")
    for name, seconds, budget in rows:
        median = statistics.median(seconds)
        print(f"{name:36} {median:9.3f} {max(seconds):9.3f} {budget:9.3f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main()
