"""The shape of a runtime: what it is told, what it reports, what it can do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Protocol

from alfred_dev.workspace import Artifact


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

    ``code`` fingerprints our own code where the service runs it, or the image of a container;
    ``files`` fingerprints the configuration files that it reads at start; ``source`` is the word
    that ``status`` shows; ``around``: what a container is given besides (ports, volumes, limits).
    """

    service: str
    source: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    code: str = ""
    files: str = ""
    around: str = ""

    def to_json(self) -> str:
        """Return the document that the launcher reads."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def digest(self) -> str:
        """Return what tells this from every other way to start a service."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:32]

    @classmethod
    def from_json(cls, text: str) -> LaunchSpec:
        """Read what ``to_json`` wrote. Raises ValueError, KeyError or TypeError for others."""
        data = json.loads(text)
        return cls(**{**data, "argv": tuple(data["argv"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a runtime knows of one service.

    ``ports``: TCP ports on which its processes listen; ``started_at``: seconds since the epoch;
    ``started_before``: the same of the start before, where it was started over and that is known;
    ``memory_kills``: how many processes the kernel had killed for memory at the start before, or at
    the only one, -1 where that is not known; ``spec``: how the running process was started, None
    when that is not known; ``finished``: it ended by itself, and well.
    """

    state: State
    pid: int = 0
    started_at: float = 0.0
    started_before: float = 0.0
    memory_kills: int = -1
    restarts: int = 0
    detail: str = ""
    ports: frozenset[int] = frozenset()
    spec: LaunchSpec | None = None
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One snapshot of a runtime. ``alive``: whether the runtime itself is up."""

    alive: bool
    services: Mapping[str, Running] = field(default_factory=dict)
    pids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What a plan comes to in one runtime: how each service is started, and the files it needs."""

    specs: Mapping[str, LaunchSpec]
    artifacts: tuple[Artifact, ...]


class Runtime(Protocol):
    """Runs the services of one checkout. Nothing here waits for health: probes tell that.

    Every method may raise MachineError when the runtime itself cannot be used.
    """

    @property
    def name(self) -> str:
        """The word that ``--runtime`` takes."""

    def observe(self, ports: Mapping[str, Iterable[int]]) -> Observed:
        """Take one snapshot. ``ports``: what each service should listen on, on this machine."""

    def trouble(self) -> str:
        """Say what is wrong with the runtime itself; nothing when all is well."""

    def apply(self, start: Sequence[str], restart: Sequence[str]) -> None:
        """Take over the rendered files: end what is in them no more, start and start anew.

        Returns before anything is healthy.
        """

    def stop(self, names: Iterable[str]) -> None:
        """Stop services and wait until they have ended."""

    def end_all(self) -> list[str]:
        """End what a lost runtime left behind; return the services."""

    def down(self, *, volumes: bool = False) -> list[str]:
        """End everything; with ``volumes`` delete its data. Return what was left behind before."""

    def logs(self, names: Sequence[str]) -> dict[str, str]:
        """Return all that services have said, each line behind its time."""

    def follow(self, names: Sequence[str]) -> Iterable[Mapping[str, str]]:
        """Yield what services say from now on, in whole lines, for ever."""

    def last_words(self, name: str, size: int) -> str:
        """Return at most the last ``size`` bytes that a service has said."""
