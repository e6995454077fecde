"""The shape of a runtime: what it is told, what it reports, what it can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What a runtime knows of a service without asking the service itself."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "restarting"
    EXITED = "exited"
    FATAL = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """How one service is started: everything that makes a difference to its process.

    ``code`` fingerprints our own code where the service runs it; ``files`` fingerprints the
    configuration files that it reads at start; ``source`` is the word that ``status`` shows.
    """

    service: str
    source: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    code: str = ""
    files: str = ""

    def to_json(self) -> str:
        """Return the document that the launcher reads."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LaunchSpec:
        """Read what ``to_json`` wrote. Raises ValueError, KeyError or TypeError for others."""
        data = json.loads(text)
        return cls(**{**data, "argv": tuple(data["argv"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a runtime knows of one service.

    ``ports``: TCP ports on which its processes listen; ``started_at``: seconds since the epoch;
    ``spec``: how the running process was started, None when that is not known.
    """

    state: State
    pid: int = 0
    started_at: float = 0.0
    restarts: int = 0
    detail: str = ""
    ports: frozenset[int] = frozenset()
    spec: LaunchSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One snapshot of a runtime. ``alive``: whether the runtime itself is up."""

    alive: bool
    services: Mapping[str, Running] = field(default_factory=dict)
    pids: frozenset[int] = frozenset()
