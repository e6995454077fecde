"""How long the first certificates take, beside mkcert, and a hosts file of 100,000 lines.

    python -m bench.pki

Everything happens in a temporary folder: no store of this machine is touched. ``alfred-dev certs
mint`` and mkcert are whole processes; ``in up`` is what the same costs inside of one. mkcert makes
one leaf, we make two. Prints one table; judges nothing.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from alfred_dev import hostnames
from alfred_dev.catalog.parse import parse
from alfred_dev.changes import block, files
from alfred_dev.ledger import Ledger
from alfred_dev.names.base import Wanted
from alfred_dev.names.hosts_file import entries
from alfred_dev.pki.authority import Store
from alfred_dev.pki.store import ensure
from alfred_dev.settings import DEFAULT_DOMAIN

ROUNDS = 7
HOSTS_LINES = 100_000
ROOT = Path(__file__).parents[1]
CATALOG = ROOT / "alfred_dev" / "catalog" / "services.yaml"


def median(work: Callable[[Path], None]) -> float:
    """Return the median seconds of ``work``, each time in an empty folder."""
    seconds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            started = time.perf_counter()
            work(Path(name))
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def in_up(folder: Path) -> None:
    """Make CA and leaves as ``up`` does, ledger and fsync included."""
    (folder / "project").mkdir()
    shared = folder / "data"
    store = Store(
        root=folder / "project", shared=shared, domain=DEFAULT_DOMAIN,
        ledger=Ledger(shared / "ledger.json"),
    )  # fmt: skip
    ensure(store, NAMES, datetime.now(UTC))


def by_command(folder: Path) -> None:
    """Run ``alfred-dev certs mint``."""
    (folder / "alfred.yaml").touch()
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "alfred_dev", "certs", "mint"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def by_mkcert(folder: Path, *options: str) -> None:
    """Run mkcert for a CA and one leaf; it installs nothing. Its keys are RSA unless told."""
    environment = {"HOME": str(folder), "CAROOT": str(folder), "PATH": os.environ["PATH"]}
    command = ["mkcert", *options, *NAMES]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def hosts_seconds() -> tuple[float, float]:
    """Return the median seconds of applying our block and of removing it."""
    text = b"".join(b"10.%d.%d.1 host-%d\n" % (i % 256, i // 256, i) for i in range(HOSTS_LINES))
    lines = [line.encode() for line in entries(Wanted(names=NAMES))]
    applied, removed = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name, "hosts")
            path.write_bytes(text)
            started = time.perf_counter()
            files.edit(path, lambda data: block.put(data, lines))
            applied.append(time.perf_counter() - started)
            started = time.perf_counter()
            files.edit(path, block.drop)
            removed.append(time.perf_counter() - started)
            if path.read_bytes() != text:
                raise SystemExit("the hosts file did not come back")
    return statistics.median(applied), statistics.median(removed)


def main() -> None:
    """Measure and print the table."""
    rows = [("CA + 2 leaves, in up", median(in_up)), ("alfred-dev certs mint", median(by_command))]
    if shutil.which("mkcert"):
        rows.append(("mkcert, CA + 1 leaf", median(by_mkcert)))
        rows.append(("mkcert -ecdsa", median(lambda folder: by_mkcert(folder, "-ecdsa"))))
    applied, removed = hosts_seconds()
    rows += [
        (f"hosts file of {HOSTS_LINES:,} lines: apply", applied),
        (f"hosts file of {HOSTS_LINES:,} lines: remove", removed),
    ]
    base = next((seconds for name, seconds in rows if name.startswith("mkcert")), None)
    print(f"{'what':<40} {'median s':>9} {'x mkcert':>9}")
    for name, seconds in rows:
        ratio = f"{seconds / base:9.2f}" if base and "hosts" not in name else f"{'':>9}"
        print(f"{name:<40} {seconds:9.4f} {ratio}")


NAMES = hostnames.names(parse(CATALOG.read_text(), source="services.yaml"), DEFAULT_DOMAIN)

if __name__ == "__main__":
    main()
