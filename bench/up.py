"""How long things take, how much they use: ``python bench/up.py [--install]``.

Prints one table of medians. Needs root on Linux for ports of its own (a network namespace), else
the 19 ports must be free. ``--install`` also measures a fresh clone, which downloads packages;
``--docker`` measures the Docker runtime instead, side by side with plain Compose.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run as a script, the folder above is not on it
import bench  # noqa: E402, F401 - sets the environment

SETTLE_S = 20.0  # a start goes on behind the scenes: compilers, checkpoints
REST_S = 30.0
Row = tuple[str, str, str]


def seconds(command: list[str], cwd: Path) -> float:
    """Run a command that must succeed; return its wall-clock seconds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stderr}")
    return took


def median(measure: Callable[[], float], count: int) -> float:
    """Return the median of ``count`` measurements."""
    return statistics.median(measure() for _ in range(count))


def alfred(*arguments: str) -> list[str]:
    """Return the command line of one command."""
    return [sys.executable, "-m", "alfred_dev", *arguments]


def processes(folder: Path) -> list[int]:
    """Return every process that works in the checkout."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()).startswith(str(folder)):
                found.append(int(entry.name))
        except OSError:  # ended meanwhile
            continue
    return found


def pss_mb(pids: list[int]) -> float:
    """Return the proportional share of memory of all processes, in megabytes."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_s(pids: list[int]) -> float:
    """Return the processor seconds that all processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def cold(folder: Path) -> float:
    """Up without any data."""
    seconds(alfred("down", "--volumes", "--yes"), folder)
    return seconds(alfred("up"), folder)


def warm(folder: Path) -> float:
    """Up with data, everything down."""
    seconds(alfred("down"), folder)
    return seconds(alfred("up"), folder)


def down(folder: Path) -> float:
    """Down with everything up."""
    seconds(alfred("up"), folder)
    return seconds(alfred("down"), folder)


def rows(folder: Path) -> Iterator[Row]:
    """Measure everything but the installation."""
    yield "up, no data yet", f"{median(lambda: cold(folder), 3):.2f} s", "<= 6 s"
    yield "up, data there", f"{median(lambda: warm(folder), 5):.2f} s", "<= 4 s"
    time.sleep(SETTLE_S)
    for name in (("up",), ("status", "--json")):
        took = median(lambda name=name: seconds(alfred(*name), folder), 9)  # type: ignore[misc]
        yield f"{' '.join(name)}, everything up", f"{took:.2f} s", "<= 0.5 s"
    yield from at_rest(folder)
    yield "down", f"{median(lambda: down(folder), 5):.2f} s", "<= 1.5 s"
    for option in ("--version", "--help"):
        took = median(lambda option=option: seconds(alfred(option), folder), 15)  # type: ignore[misc]
        yield option, f"{took * 1000:.0f} ms", "<= 150 ms"


def at_rest(folder: Path) -> Iterator[Row]:
    """Memory and processor of the whole runtime when nobody does anything."""
    time.sleep(SETTLE_S)
    pids = processes(folder)
    before = cpu_s(pids)
    time.sleep(REST_S)
    share = (cpu_s(pids) - before) / REST_S * 100
    yield f"at rest, {len(pids)} processes", f"{pss_mb(pids):.0f} MB PSS", "<= 900 MB"
    yield "at rest", f"{share:.1f} % of a core", "<= 3 %"


def install() -> Row:
    """A fresh clone, its environment included."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        took = seconds([str(clone / "scripts/alfred-dev"), "up"], clone)
        seconds([str(clone / "scripts/alfred-dev"), "down"], clone)
    return "fresh clone: scripts/alfred-dev up", f"{took:.1f} s", "<= 90 s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="measure a fresh clone too")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--docker", action="store_true", help="the Docker runtime and Compose")
    options = parser.parse_args()
    if options.docker:
        from bench import containers

        return containers.main()
    os.environ["ALFRED_RUNTIME"] = "process"  # also where a Docker engine answers
    if options.install:
        print_row(install())
    if not options.inside and os.getuid() == 0 and shutil.which("unshare"):
        script = 'ip link set lo up && exec "$@"'
        again = [sys.executable, __file__, "--inside"]
        sys.exit(subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", *again]).returncode)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "alfred.yaml").touch()
        try:
            for row in rows(folder):
                print_row(row)
        finally:
            subprocess.run(alfred("down"), cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})


def print_row(row: Row) -> None:
    """Print what, the median, and what it must reach."""
    print(f"{row[0]:<36} {row[1]:>16}   {row[2]}", flush=True)


if __name__ == "__main__":
    main()
