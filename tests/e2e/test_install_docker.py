"""``scripts/install-docker``: what it says it will do, on machines played by stubs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.e2e.checkout import REPOSITORY

DOCKER = """#!/bin/sh
case "$*" in
  "version --format {{.Server.Version}}") [ -n "$ENGINE" ] && echo "$ENGINE" ;;
  "compose version --short") [ -n "$COMPOSE" ] && echo "$COMPOSE" ;;
  --version) echo "Docker version 28.2.2" ;;
  *) exit 1 ;;
esac
"""


def install(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a stubbed docker, which has ENGINE and COMPOSE."""
    for name, text in {"docker": DOCKER, "dockerd": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    if "SYSTEM" in environment:
        (folder / "uname").write_text(f"#!/bin/sh\necho {environment['SYSTEM']}\n")
        (folder / "uname").chmod(0o755)
    return subprocess.run(
        [REPOSITORY / "scripts/install-docker", *arguments],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_it_does_nothing_where_all_is_there(tmp_path: Path) -> None:
    done = install(tmp_path, ENGINE="28.2.2", COMPOSE="2.40.3")
    assert done.returncode == 0
    assert "nothing to do" in done.stderr


def test_it_says_first_what_it_will_do_and_what_the_group_means(tmp_path: Path) -> None:
    done = install(tmp_path, "--dry-run", ENGINE="", COMPOSE="2.20.0")
    assert done.returncode == 0
    assert "install Compose 2.24 or newer (here: 2.20.0)" in done.stderr
    assert "start the engine" in done.stderr
    assert "as good as root" in done.stderr


def test_no_start_leaves_the_engine_alone(tmp_path: Path) -> None:
    done = install(tmp_path, "--dry-run", "--no-start", ENGINE="", COMPOSE="v2.24.0")
    assert "nothing to do" in done.stderr


def test_macos_is_told_its_own_ways(tmp_path: Path) -> None:
    done = install(tmp_path, SYSTEM="Darwin", ENGINE="", COMPOSE="")
    assert done.returncode == 3
    assert "colima" in done.stderr


def test_an_unknown_word_is_wrong_usage(tmp_path: Path) -> None:
    assert install(tmp_path, "--what").returncode == 2
