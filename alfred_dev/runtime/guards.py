"""What must not be touched: objects of others, and data that the planned server cannot read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from alfred_dev.engine.command import Docker
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.runtime.containers import PROJECT_LABEL

READ_S = 30.0
# Where the version may lie: in our own volume, and in those of the images before and since 18.
_READ = "cat /v/PG_VERSION /v/*/PG_VERSION /v/*/*/PG_VERSION 2>/dev/null; true"
_OF_IMAGE = (re.compile(r":(?:.*-)?pg(\d+)"), re.compile(r"postgres(?:ql)?:(\d+)"))


def is_ours(found: Mapping[str, Any], project: str) -> bool:
    """Tell whether ``project`` made a network or volume."""
    return _owner(found) == project


def _owner(found: Mapping[str, Any]) -> str | None:
    owner: str | None = (found.get("Labels") or {}).get(PROJECT_LABEL)
    return owner


def check_owner(kind: str, found: Mapping[str, Any], project: str) -> None:
    """Refuse a network or volume that another project, or nobody's, made. Raises MachineError."""
    if is_ours(found, project):
        return
    owner = _owner(found)
    name = found["Name"]
    whose = f"compose project {owner}" if owner else "somebody by hand"
    raise MachineError(
        f"{kind}-foreign",
        f"the Docker {kind} {name} is not this checkout's",
        cause=f"{whose} made it; nothing was started",
        fix=[
            f"docker {kind} rm {name}   (when nobody needs it)",
            *(["or have another: alfred-dev up --slot auto"] if kind == "network" else []),
        ],
    )


def major_of(image: str) -> str:
    """Return the Postgres version that an image's tag names, nothing when it names none."""
    return next((found[1] for pattern in _OF_IMAGE if (found := pattern.search(image))), "")


def majors_in(docker: Docker, volume: str, image: str) -> set[str]:
    """Return the versions whose data lies in ``volume``; reads it through ``image``."""
    done = docker.run(
        "run", "--rm", "--network", "none", "--user", "0:0", "--cap-drop", "ALL",
        "--cap-add", "DAC_READ_SEARCH", "--cap-add", "DAC_OVERRIDE", "--pull", "never",
        "--volume", f"{volume}:/v:ro", "--entrypoint", "sh", image, "-c", _READ,
        timeout_s=READ_S,
    )  # fmt: skip
    return set(re.findall(r"^\d+$", done.out, re.MULTILINE)) if done.code == 0 else set()


def check_major(found: Collection[str], wanted: str, volume: str) -> None:
    """Refuse data of another major version before a server meets it. Raises UsageError."""
    if not found or not wanted or wanted in found:
        return
    old = ", ".join(sorted(found))
    raise UsageError(
        "data-other-version",
        "Postgres is not started",
        cause=f"the volume {volume} was written by PostgreSQL {old}, and this is PostgreSQL "
        f"{wanted}, which cannot read it; nothing was touched",
        fix=[
            f"to keep the rows: dump them with PostgreSQL {old}, then restore them",
            f"to begin anew: docker volume rm {volume}   (deletes them)",
        ],
    )
