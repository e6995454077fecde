"""What processes use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alfred_dev.host import usage


def test_a_tree_counts_its_descendants() -> None:
    code = "import sys; block = b'x' * 30_000_000; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        found = usage.of_trees([os.getpid(), child.pid, 2**22 + 1])
        child.terminate()
    assert set(found) == {os.getpid(), child.pid}
    assert found[child.pid].memory > 30_000_000
    assert found[os.getpid()].memory >= found[child.pid].memory


def test_ratios_are_ratios(tmp_path: Path) -> None:
    found = usage.ratios(tmp_path)
    assert "disk" in found
    assert all(0 <= used <= 1 for used in found.values())


def test_the_processors_are_busy_by_all_of_them() -> None:
    assert usage.Clocks(30, 200).ratio(usage.Clocks(10, 100)) == 0.2
    assert usage.Clocks(1, 1).ratio(usage.Clocks(1, 1)) is None
    if sys.platform == "linux":
        now = usage.clocks()
        assert 0 < now.busy < now.total


def test_a_limit_is_bytes_or_none() -> None:
    limit = usage.memory_limit(os.getpid())
    assert limit is None or limit > 1_000_000
    assert usage.memory_limit(2**22 + 1) is None
    assert usage.memory_total() > 1e8
