"""What a checkout remembers of the runtime it uses; it outlives ``down``, not ``uninstall``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from alfred_dev.workspace import Workspace, make_private_folder, write

FILE = "runtime.json"
SERVED = ("db-postgres", "redis", "vector-db")  # services with folders of their own
# So long an image that could not be had is not asked for again: at first, and at the most.
FAILED_PULL_S = 600.0
LONGEST_PULL_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """``runtime``: the word of the one that was used last, empty before the first ``up``.

    The rest is of the Docker runtime. ``url``, ``context``, ``tls``: its engine; ``virtual``: that
    is in a virtual machine; ``user``: who in a container has this user's files, empty where they
    are not shared; ``subnets``: of each network; ``sources``: service -> kind of source
    that it last ran from; ``failed``: image -> (why, since when, when last) it could not be
    had; ``images``: those made here that it started from and that may still be there.
    """

    runtime: str = ""
    url: str = ""
    context: str = ""
    tls: str = ""
    virtual: bool = False
    user: str = ""
    subnets: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, tuple[str, float, float]] = field(default_factory=dict)
    images: Sequence[str] = ()

    @property
    def mixed(self) -> bool:
        """Whether local processes only help containers."""
        return self.runtime == "docker"

    def unavailable(self, now: float) -> dict[str, str]:
        """Return the images that need not be asked for again yet, and why."""
        return {
            image: why
            for image, (why, since, last) in self.failed.items()
            if now - last < _pause_s(last - since)
        }

    def with_failed(self, failed: Mapping[str, str], now: float) -> Memory:
        """Return this, with images (image -> why) that could not be had once more."""
        since = {image: began for image, (_, began, _) in self.failed.items()}
        notes = {image: (why, since.get(image, now), now) for image, why in failed.items()}
        return replace(self, failed={**self.failed, **notes})


def _pause_s(failing_s: float) -> float:
    """Return how long to wait with asking for what has failed so long: as long again."""
    return min(max(failing_s, FAILED_PULL_S), LONGEST_PULL_S)


def load(workspace: Workspace) -> Memory:
    """Return what is remembered; nothing when there is no (whole) file."""
    try:
        found: dict[str, Any] = json.loads(_file(workspace).read_text())
        rows = found.pop("failed", {}).items()
        failed = {k: (str(v[0]), float(v[1]), float(v[-1])) for k, v in rows}
        images = tuple(map(str, found.pop("images", ())))
        return Memory(**{**found, "failed": failed, "images": images})
    except FileNotFoundError:
        return Memory(runtime="process" if _has_data(workspace) else "")
    except (OSError, ValueError, TypeError, AttributeError, IndexError):
        return Memory()


def save(workspace: Workspace, memory: Memory) -> None:
    """Remember. Raises MachineError when that cannot be written."""
    make_private_folder(workspace.home)
    write(_file(workspace), (json.dumps(asdict(memory)) + "\n").encode())


def _file(workspace: Workspace) -> Path:
    return workspace.home / FILE


def _has_data(workspace: Workspace) -> bool:
    """Tell whether local processes have data here: made before there was a choice."""
    return any((workspace.data / name).exists() for name in SERVED)
