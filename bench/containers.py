"""The Docker runtime against plain Compose, side by side: ``python bench/up.py --docker``.

Plain: ``docker compose up -d --wait`` on the very files that ours wrote, with the same images, and
health checks every second instead of every 120 s: the least that makes ``--wait`` quick. A check
may fail as often as it likes: 17 of them a second are too much for a small machine, and plain
gives up at the first container that is called unhealthy. The two take turns, so that whatever else
the machine does meets both.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.up import Row, alfred, print_row, seconds

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
REST_S = 120.0  # one round of health checks
ENGINES = ("dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "docker-proxy")


class Plain:
    """Compose alone, on the files of a checkout that ours has rendered."""

    def __init__(self, folder: Path) -> None:
        from alfred_dev.workspace import Workspace

        place = Workspace(folder)
        document = json.loads((place.render / "compose.json").read_text())
        for service in document["services"].values():
            if "healthcheck" in service:
                service["healthcheck"] |= {"interval": "1s", "retries": 1000}
        self.place, self.kept = place, folder / "kept"
        shutil.copytree(place.data, self.kept)  # what helpers of ours mount; Compose makes nothing
        self.file = folder / "plain.json"
        self.file.write_text(json.dumps(document))
        values = (
            line.split("=", 1) for line in place.env_file.read_text().splitlines() if "=" in line
        )
        self.environment = {**os.environ, **dict(values), "ALFRED_PROJECT_NAME": place.project}
        head = ["docker", "compose", "--progress", "quiet", "-p", place.project]
        self.head = [*head, "--project-directory", str(place.render), "-f", str(self.file)]

    def run(self, *arguments: str) -> float:
        """Return the seconds of one command."""
        shutil.copytree(self.kept, self.place.data, dirs_exist_ok=True)
        began = time.perf_counter()
        done = subprocess.run(
            [*self.head, *arguments], env=self.environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            print(
                f"plain {arguments}: exit {done.returncode}: {done.stderr[-300:]}", file=sys.stderr
            )
        return time.perf_counter() - began


def rows(folder: Path) -> Iterator[Row]:
    """Measure everything; the image is there already."""
    seconds(alfred("up", "--runtime", "docker", "--slot", "auto"), folder)
    plain = Plain(folder)
    times: dict[str, list[float]] = {name: [] for name in ("cold", "down", "cold'", "down'")}
    seconds(alfred("down", "--volumes", "--yes"), folder)
    for _ in range(ROUNDS):
        times["cold"].append(seconds(alfred("up"), folder))
        times["down"].append(seconds(alfred("down", "--volumes", "--yes"), folder))
        times["cold'"].append(plain.run("up", "-d", "--wait"))
        times["down'"].append(plain.run("down", "-v"))
    yield versus("cold up, all 19 ports healthy", times["cold"], times["cold'"], "<= 0.7 x, <= 9 s")
    yield versus("down", times["down"], times["down'"], "<= 1.1 x")
    before = at_rest()
    seconds(alfred("up"), folder)
    for name in (("up",), ("status", "--json")):
        took = statistics.median(seconds(alfred(*name), folder) for _ in range(7))
        yield f"{' '.join(name)}, everything up", f"{took:.2f} s", "<= 0.5 s"
    time.sleep(15)
    share = at_rest() - before
    yield "engine and containers at rest", f"{share:.1f} % of a core", "<= 5 % above no stack"
    yield "our code changed: image anew", f"{code_change():.2f} s", "<= 5 s"


def versus(name: str, ours: list[float], plain: list[float], goal: str) -> Row:
    """Return a row with both medians and their ratio."""
    a, b = statistics.median(ours), statistics.median(plain)
    return name, f"{a:.2f} s / {b:.2f} s = {a / b:.2f} x", goal


def at_rest() -> float:
    """Return the share of a core that engine and containers use, in percent."""
    began, used = time.perf_counter(), cpu_s()
    time.sleep(REST_S)
    return (cpu_s() - used) / (time.perf_counter() - began) * 100


def cpu_s() -> float:
    """Return the processor seconds of the engine's processes and of all that containers run."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text()
            contained = "/docker/" in (entry / "cgroup").read_text()
        except OSError:  # ended meanwhile
            continue
        name = fields.partition("(")[2].rpartition(")")[0]
        numbers = fields.rpartition(")")[2].split()
        if contained or name in ENGINES or name.startswith("containerd-shim"):
            # Children that ended count too: health checks are such.
            ticks += sum(int(n) for n in numbers[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def code_change() -> float:
    """Return the seconds to make our image anew when only code has changed."""
    from alfred_dev.engine.api import Engine
    from alfred_dev.engine.command import Docker
    from alfred_dev.engine.endpoint import find
    from alfred_dev.image import build, code

    place = find(os.environ, Path.home())
    builder = build.Builder(
        docker=Docker(endpoint=place), engine=Engine(place),
        lock=code.PACKAGE.parent / "requirements.lock", tell=print,
    )  # fmt: skip
    real: Callable[[], str] = code.fingerprint
    changed = f"{real()}-bench-{time.time()}"
    code.fingerprint = lambda: changed
    try:
        began = time.perf_counter()
        builder.ensure()
        took = time.perf_counter() - began
        subprocess.run(["docker", "rmi", builder.name()], capture_output=True)
    finally:
        code.fingerprint = real
    return took


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "alfred.yaml").touch()
        os.environ["XDG_DATA_HOME"] = f"{name}/data"
        try:
            for row in rows(folder):
                print_row(row)
        finally:
            subprocess.run(alfred("down", "--volumes", "--yes"), cwd=folder, capture_output=True)


if __name__ == "__main__":
    main()
