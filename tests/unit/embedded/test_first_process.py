"""As the first process of a container: SIGTERM ends it before anything of its own does."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = "import alfred_dev.embedded, time; print('up', flush=True); time.sleep(60)"
ALONE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


def test_it_ends_at_once_while_it_still_starts() -> None:
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "true"]).returncode != 0:
        pytest.skip("no namespaces of one's own here")
    with subprocess.Popen(
        [*ALONE, sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True
    ) as outer:
        assert outer.stdout is not None
        assert outer.stdout.readline() == "up\n"
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text()
        subprocess.run(["kill", f"-{signal.SIGTERM}", children.strip()], check=True)
        assert outer.wait(timeout=20) == 128 + signal.SIGTERM
