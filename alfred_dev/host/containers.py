"""Which containers publish ports of this machine, as the ``docker`` on PATH tells it.

Only ever said beside a conflict that is known anyway: where the engine cannot be asked, or does
not answer in time, nothing is known, and no error is raised.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from alfred_dev.host.binaries import which

PROJECT_LABEL = "com.docker.compose.project"
TIMEOUT_S = 2.0
TEXT_LENGTH = 100
# Not `{{json .}}`: that has the engine measure the disk use of every container, and joins all
# labels by commas, which their values may contain too.
_ROW = (
    '{"id":{{json .ID}},"name":{{json .Names}},"image":{{json .Image}},"ports":{{json .Ports}},'
    f'"project":{{{{json (.Label "{PROJECT_LABEL}")}}}}}}'
)
PUBLISHED = ("ps", "--format", _ROW)
ENDPOINT = ("context", "inspect", "--format", "{{json .Endpoints.docker.Host}}")
_FIELDS = ("id", "name", "image", "ports", "project")
_PORTS = re.compile(
    r"(?P<address>\S+):(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?->[0-9-]+/tcp"
)
# The engine allows no other: what is typed after `docker stop` needs no quoting.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_LOCAL_SCHEMES = frozenset({"unix", "npipe", "fd"})
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A running container. ``project``: its compose project, "" if none; ``id``: 12 digits."""

    name: str
    image: str
    project: str
    id: str

    def __str__(self) -> str:
        project = f", compose project {self.project}" if self.project else ""
        return f"container {self.name} ({self.image}{project})"


# (address of this machine, TCP port) -> who publishes it. An address alone can tell two apart.
Published = dict[tuple[str, int], Container]


def published(ports: Collection[int]) -> Published:
    """Return which containers publish TCP ``ports`` on this machine; empty where none is known.

    Takes at most 2 seconds. Never raises: no docker, no engine, no right to ask, an engine of
    another machine and an engine that hangs are all "nothing known".
    """
    docker = which("docker", os.environ.get("PATH", ""))
    if docker is None or not ports:
        return {}
    deadline = time.monotonic() + TIMEOUT_S
    if not is_local(_ask(str(docker), ENDPOINT, deadline)):
        return {}
    rows = parse(_ask(str(docker), PUBLISHED, deadline))
    return {place: container for place, container in rows.items() if place[1] in ports}


def _ask(docker: str, arguments: tuple[str, ...], deadline: float) -> str:
    """Return what docker prints, "" where it fails or is not done by ``deadline``."""
    try:
        answer = subprocess.run(
            (docker, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(deadline - time.monotonic(), 0),
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # the conflict itself is reported all the same
        return ""
    return answer.stdout.decode(errors="replace")


def is_local(output: str) -> bool:
    """Tell from ``docker context inspect`` whether the engine publishes on this machine.

    The port of a container elsewhere is not the one taken here, and must not be stopped for it.
    """
    try:
        url = urlsplit(str(json.loads(output)))
        return url.scheme in _LOCAL_SCHEMES or (
            url.scheme in ("tcp", "http", "https") and url.hostname in _LOCAL_HOSTS
        )
    except (ValueError, RecursionError):  # not JSON, or no URL
        return False


def parse(output: str) -> Published:
    """Return what each line of ``docker ps`` publishes; lines of another shape are passed over."""
    found: Published = {}
    for line in output.split("\n"):
        row = _row(line)
        name = _NAME.fullmatch(row.get("name", "").split(",")[0])
        if name is None:
            continue
        container = Container(
            name=name[0],
            image=_printable(row["image"]),
            project=_printable(row["project"]),
            id=_printable(row["id"]),
        )
        for place in _places(row["ports"]):
            found.setdefault(place, container)
    return found


def _row(line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # a warning of the program, or cut short
        return {}
    is_row = isinstance(row, dict) and all(isinstance(row.get(f), str) for f in _FIELDS)
    return row if is_row else {}


def _places(ports: str) -> Iterator[tuple[str, int]]:
    """Yield the places in ``127.0.0.1:5432->5432/tcp, [::]:8000-8002->8000-8002/tcp``.

    Older versions write ``:::5432`` for ``[::]:5432``. What is exposed only has no arrow.
    """
    for part in ports.split(", "):
        match = _PORTS.fullmatch(part)
        if match is None:
            continue
        address = match["address"].removeprefix("[").removesuffix("]")
        first, last = int(match["first"]), int(match["last"] or match["first"])
        yield from ((address, port) for port in range(first, min(last, 65535) + 1))


def _printable(text: str) -> str:
    """Cut, and leave out what could steer a terminal: labels are somebody else's text."""
    return "".join(c if c.isprintable() else "?" for c in text[:TEXT_LENGTH])
