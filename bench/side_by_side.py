"""The port check with 19 holders, and two checkouts started together against one.

    python -m bench.side_by_side

Needs root on Linux: it works in a network namespace of its own. Prints one table; judges nothing.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.up import ROOT, alfred, seconds

AS_ANOTHER_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
ROUNDS = 5


def port_check(folder: Path, prefix: list[str]) -> float:
    """Return the median seconds of a check that finds 19 holders, the whole command."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        done = subprocess.run(
            [*prefix, *alfred("ports", "--check", "--json")],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        took.append(time.perf_counter() - began)
        if done.stdout.count('"port"') != 19:
            sys.exit(f"not all 19 holders were found: {done.stdout}{done.stderr}")
    return statistics.median(took)


def holders() -> list[socket.socket]:
    """Hold every port of the port map."""
    from alfred_dev.catalog.parse import parse

    text = (ROOT / "alfred_dev/catalog/services.yaml").read_text()
    catalog = parse(text, source="services.yaml")
    ports = [port.host for service in catalog.services.values() for port in service.ports]
    return [socket.create_server(("127.0.0.1", port)) for port in ports]


def together(folders: list[Path]) -> float:
    """Return the median seconds until all checkouts, started at once with data, are healthy."""
    took = []
    for _ in range(3):
        for folder in folders:
            seconds(alfred("down"), folder)
        began = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        running = [
            subprocess.Popen(
                alfred("up", "--slot", "auto"),
                cwd=folder,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for folder in folders
        ]
        if any(process.wait() for process in running):
            sys.exit("an up failed")
        took.append(time.perf_counter() - began)
    for folder in folders:
        seconds(alfred("down"), folder)
    return statistics.median(took)


def main() -> None:
    """Measure and print."""
    if "--inside" not in sys.argv:
        again = [sys.executable, "-m", "bench.side_by_side", "--inside"]
        script = 'ip link set lo up && exec "$@"'
        sys.exit(subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", *again]).returncode)
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_DATA_HOME"] = f"{name}/data"
        os.environ["ALFRED_RUNTIME"] = "process"
        folders = [Path(name, "one"), Path(name, "two")]
        for folder in folders:
            folder.mkdir()
            (folder / "alfred.yaml").touch()
        held = holders()
        print(
            f"port check, 19 holders, as root      {port_check(folders[0], []):6.2f} s   <= 0.4 s"
        )
        other = port_check(folders[0], AS_ANOTHER_USER)
        print(f"port check, 19 holders, not root     {other:6.2f} s   <= 0.4 s")
        for holder in held:
            holder.close()
        for folder in folders:
            seconds(alfred("up", "--slot", "auto"), folder)
        one, two = together(folders[:1]), together(folders)
        print(f"up, one checkout, data there         {one:6.2f} s")
        print(f"up, two at once, slots 0 and 1       {two:6.2f} s   {two / one:.2f} x, <= 1.6 x")


if __name__ == "__main__":
    main()
