"""``python -m alfred_dev.runtime.launch SERVICE``: become the service.

Run in ``.alfred`` by what our supervisord forks. Reads the rendered launch document, writes down
how and as what process the service was started, sets exactly its environment and executes it: the
process id stays the same.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from alfred_dev.host import processes

# What a service may inherit from whoever typed ``up``; everything else is decided by the plan.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
# What our supervisord sets for all of its children.
SET_FOR_ALL = ("PYTHONPATH", "PYTHONUNBUFFERED")


def started_file(run: Path, service: str) -> Path:
    """Return where the launcher writes down what it started."""
    return run / "started" / f"{service}.json"


def become(service: str, environment: Mapping[str, str]) -> None:
    """Execute ``service``; returns, having said why, when its program cannot be executed.

    ``environment``: of whoever starts it.
    """
    spec = json.loads(Path("render/services", f"{service}.json").read_text())
    kept = {key: environment[key] for key in (*INHERITED, *SET_FOR_ALL) if key in environment}
    write_down(Path("run"), service, spec)
    try:
        os.execve(spec["argv"][0], spec["argv"], kept | spec["environment"])  # noqa: S606
    except OSError as error:
        os.write(2, f"{spec['argv'][0]} cannot be executed: {error.strerror}\n".encode())


def write_down(run: Path, service: str, spec: object) -> None:
    """Record process, time, and how many starts came before it since the last deliberate one.

    ``before``: when the one before it was, 0 for none; ``memory_kills``: how many processes the
    kernel had killed for memory then, or now at the first start.
    """
    path = started_file(run, service)
    now = processes.memory_kills()
    try:
        last = json.loads(path.read_text())
        starts, before, kills = last["starts"], last["at"], last["memory_kills_now"]
    except (OSError, ValueError, KeyError, TypeError):  # the first start, or a torn file
        starts, before, kills = 0, 0.0, now
    pid = os.getpid()
    record = {
        "pid": pid,
        "identity": processes.identity(pid),
        "at": time.time(),
        "before": before,
        "memory_kills": kills,
        "memory_kills_now": now,
        "starts": starts + 1,
        "spec": spec,
    }
    temporary = path.with_suffix(f".{pid}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(record, file)
    temporary.replace(path)


if __name__ == "__main__":
    become(sys.argv[1], os.environ)
    sys.exit(127)
