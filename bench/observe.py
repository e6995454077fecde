"""What the dashboard costs and how soon it shows things: ``python bench/observe.py
[costs] [looks] [quantiles]``.

Brings a whole stack up in a network namespace of its own (root on Linux) and prints one table.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run as a script, the folder above is not on it
CHROMIUM = "/usr/bin/chromium"
REST_S, VIEWERS, REQUESTS, ROUNDS = 20.0, 5, 10_000, 5
PORT = 3010
INSIDE = "--inside"
TICKS = os.sysconf("SC_CLK_TCK")
Row = tuple[str, str, str]


def command(folder: Path, *arguments: str) -> str:
    """Run a command that must succeed; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder.parent / "home")}
    line = [sys.executable, "-m", "alfred_dev", *arguments]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{arguments}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def cpu_share(pid: int, seconds: float) -> float:
    """Return the share of one processor that a process uses over some seconds."""

    def spent() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    before, began = spent(), time.monotonic()
    time.sleep(seconds)
    return (spent() - before) / (time.monotonic() - began)


def costs(folder: Path) -> list[Row]:
    """Return memory and processor time, alone and watched."""
    record = json.loads((folder / ".alfred/run/started/dashboard.json").read_text())
    pid = int(record["pid"])
    rest = cpu_share(pid, REST_S)
    token = (folder / ".alfred/run/dashboard.token").read_text().strip()
    end = threading.Event()
    viewers = [threading.Thread(target=watch, args=(token, end)) for _ in range(VIEWERS)]
    for viewer in viewers:
        viewer.start()
    time.sleep(2)
    watched = cpu_share(pid, REST_S)
    end.set()
    for viewer in viewers:
        viewer.join()
    status = Path(f"/proc/{pid}/status").read_text()
    memory = int(status.partition("VmRSS:")[2].split()[0]) / 1000
    return [
        ("at rest", f"{100 * rest:.1f} % of a core", "<= 2 %"),
        (f"{VIEWERS} viewers", f"{100 * watched:.1f} % of a core", "<= 10 %"),
        ("memory", f"{memory:.0f} MB", "<= 80 MB"),
    ]


def watch(token: str, end: threading.Event) -> None:
    """Read the stream as a page does."""
    stream = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    stream.request("GET", "/api/events", headers={"authorization": f"Bearer {token}"})
    answer = stream.getresponse()
    while not end.is_set():
        answer.readline()
    stream.close()


def looks(folder: Path) -> list[Row]:
    """Return how soon a browser shows the page, and that a service was killed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        paints, reds = [], []
        size = 0
        for _ in range(ROUNDS):
            page = browser.new_context().new_page()
            page.goto(json.loads(command(folder, "dashboard", "--json"))["url"])
            page.wait_for_selector(".card")
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(page.evaluate(paint) / 1000)
            sizes = (
                "performance.getEntriesByType('resource').filter(r => !r.name.includes('/api/'))"
            )
            size = page.evaluate(f"{sizes}.reduce((n, r) => n + r.transferSize, 0)")
            reds.append(killed(folder, page))
            page.context.close()
        browser.close()
    return [
        ("first paint", f"{statistics.median(paints):.2f} s", "<= 1 s"),
        ("size", f"{size / 1000:.0f} KB", "<= 300 KB"),
        ("a service killed, shown", f"{statistics.median(reds):.2f} s", "<= 2 s"),
    ]


def killed(folder: Path, page: Any) -> float:
    """Kill a service; return the seconds from its end until the page shows that."""
    page.wait_for_selector("#card-auth-ui.good", timeout=60_000)
    time.sleep(5)  # what it shows of the kill before must be over
    pid = int(json.loads((folder / ".alfred/run/started/auth-ui.json").read_text())["pid"])
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    page.wait_for_selector("#card-auth-ui.bad", timeout=30_000)
    return time.monotonic() - began


def raw_latencies(folder: Path, count: int) -> list[float]:
    """Return the last ``count`` latencies that the service itself has logged, in seconds."""
    text = "".join(
        file.read_text(errors="replace")
        for file in sorted((folder / ".alfred/logs").glob("model-registry.log*"), reverse=True)
    )
    found = re.findall(r"GET /v1/models 200 ([0-9.]+) ms", text)
    return [float(ms) / 1000 for ms in found[-count:]]


def quantiles(folder: Path) -> list[Row]:
    """Return what is shown beside what each request took, for as many requests as are told."""
    client = http.client.HTTPConnection("127.0.0.1", 8079, timeout=10)
    before = reading()
    for _ in range(REQUESTS):
        client.request("GET", "/v1/models")
        client.getresponse().read()
    client.close()
    from alfred_dev.dashboard.figures import traffic

    shown = traffic(before, reading())
    time.sleep(1)  # the log's last lines
    raw = sorted(raw_latencies(folder, REQUESTS))
    rows = []
    for name, share, told in (
        ("p50", 0.5, shown.p50), ("p95", 0.95, shown.p95), ("p99", 0.99, shown.p99),
    ):  # fmt: skip
        true = raw[math.ceil(share * len(raw)) - 1] * 1000
        rows.append((f"{name} of {REQUESTS}", f"{told:.2f} ms, raw {true:.2f} ms", "within 5 %"))
    return rows


def reading() -> Any:
    """Return one reading of a service's own figures."""
    from alfred_dev.dashboard.figures import read

    client = http.client.HTTPConnection("127.0.0.1", 8079, timeout=10)
    client.request("GET", "/metrics")
    text = client.getresponse().read().decode()
    client.close()
    return read(text, time.time(), {"/", "/ready", "/metrics", "/health"})


def main() -> None:
    """Measure and print."""
    if INSIDE not in sys.argv:
        script = 'ip link set lo up && exec "$@"'
        again = [sys.executable, str(Path(__file__).resolve()), INSIDE, *sys.argv[1:]]
        sys.exit(subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", *again]).returncode)
    parts: tuple[Callable[[Path], list[Row]], ...] = (costs, looks, quantiles)
    chosen = [part for part in parts if part.__name__ in sys.argv] or parts
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "project")
        folder.mkdir()
        (folder.parent / "home").mkdir()
        (folder / "alfred.yaml").touch()
        command(folder, "up", "--runtime", "process")
        try:
            rows = [row for part in chosen for row in part(folder)]
        finally:
            command(folder, "down")
    for name, value, wanted in rows:
        print(f"{name:<28}{value:<32}{wanted}")


if __name__ == "__main__":
    main()
