"""What the command makes of the end of the process behind a tunnel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alfred_dev.cli import tunnel_process
from alfred_dev.workspace import Workspace


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (-9, 1)])
def test_a_tunnel_that_ended_before_its_time_is_no_success(
    code: int, expected: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = f"import os, sys; os.kill(os.getpid(), 9) if {code} < 0 else sys.exit({code})"
    process = subprocess.Popen([sys.executable, "-c", program])
    assert tunnel_process.stay(Workspace(tmp_path), "ui", process) == expected
    assert ("before its time" in capsys.readouterr().err) == bool(expected)
