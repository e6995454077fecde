"""One at a time; the second says for whom it waits; a killed holder holds nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from alfred_dev import lock

HOLD = """
import sys, pathlib
from alfred_dev import lock
with lock.held(pathlib.Path(sys.argv[1]), "alfred-dev up", tell=print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_waits_and_says_for_whom(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        said: list[str] = []
        told, entered = threading.Event(), threading.Event()

        def tell(text: str) -> None:
            said.append(text)
            told.set()

        def second() -> None:
            with lock.held(path, "alfred-dev down", tell=tell):
                entered.set()

        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(10)
        assert not entered.is_set()
        holder.kill()
        assert entered.wait(10)
        thread.join()
        expected = f"waiting for `alfred-dev up` (pid {holder.pid}) to finish"
        assert said == [f"{expected} (Ctrl-C stops waiting)"]


def test_alone_nobody_waits(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with lock.held(tmp_path / "lock", "x", tell=said.append):
            pass
    assert said == []
