"""A program on a leash ends with who started it, by both ways of noticing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alfred_dev.host import processes
from alfred_dev.tunnel import leash

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", sys.argv[1], sys.executable, "-c",
    "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
time.sleep(60)
"""


@pytest.mark.parametrize("way", ["", leash.WATCH])
def test_it_ends_with_its_parent(way: str) -> None:
    environment = {**os.environ, **({way: "1"} if way else {})}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(Path(leash.__file__))],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while processes.exists(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.exists(child)
    parent.stdout.close()


@pytest.mark.parametrize("way", ["", leash.WATCH])
def test_its_exit_code_and_its_signals_are_the_programs_own(way: str) -> None:
    environment = {**os.environ, **({way: "1"} if way else {})}
    argv = [sys.executable, "-I", "-S", str(Path(leash.__file__)), "sh", "-c"]
    assert subprocess.run([*argv, "exit 7"], env=environment).returncode == 7
    asleep = subprocess.Popen(
        [*argv, 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done'],
        stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert asleep.stdout is not None
    asleep.stdout.readline()
    asleep.terminate()
    assert asleep.wait(10) == 9
    asleep.stdout.close()
