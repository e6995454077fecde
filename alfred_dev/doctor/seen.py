"""What the doctor's looks return: values, frozen, without effects. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alfred_dev.probe.base import Reason
from alfred_dev.runtime.base import State
from alfred_dev.runtime.containers import STOPPED
from alfred_dev.status import EndpointStatus, Health, ServiceStatus

ENDED = (State.EXITED, State.FATAL, State.BACKOFF)
# What a closed port looks like; the engine accepts for a container, and hangs up.
CLOSED = (Reason.REFUSED, Reason.RESET)
IN_ORDER = ("exit status 0", "terminated by SIGTERM", STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The processes of one service as the kernel shows them.

    ``frozen``: those that are stopped by a signal or a debugger; ``files``, ``files_limit``: open
    descriptors of the fullest one and its soft limit; ``listens``: ``address:port`` of all.
    """

    pids: tuple[int, ...] = ()
    frozen: tuple[int, ...] = ()
    files: int = 0
    files_limit: int = 0
    listens: tuple[str, ...] = ()
    nice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. ``said``: its last lines since it started, masked; ``told``: the environment
    it was started with, secrets in clear; ``drift``: what changed since; ``young``: it was started
    a moment ago."""

    status: ServiceStatus
    said: tuple[str, ...] = ()
    process: Process = Process()
    told: Mapping[str, str] = field(default_factory=dict)
    drift: tuple[str, ...] = ()
    young: bool = False

    @property
    def id(self) -> str:
        """The service's id."""
        return self.status.id

    @property
    def ill(self) -> bool:
        """Whether it should be well and is not."""
        return self.status.selected and self.status.health is not Health.HEALTHY

    @property
    def ended(self) -> bool:
        """Whether it was started and has ended by itself, be it that it is just started again."""
        running = self.status.running
        if self.status.service.is_task and running.finished:
            return False
        alive = (State.STARTING, State.RUNNING) if self.young else (State.STARTING,)
        again = running.state in alive and running.restarts > 0
        return (running.state in ENDED and not self.stopped) or (
            again and self.ill and bool(self.ports_with(Reason.REFUSED))
        )

    @property
    def stopped(self) -> bool:
        """Whether it does not run because nobody started it, or somebody stopped it in order."""
        running = self.status.running
        in_order = running.detail in IN_ORDER and running.state is State.EXITED
        return running.state is State.STOPPED or in_order

    @property
    def runs(self) -> bool:
        """Whether a process of it is there (or the developer says so)."""
        return self.status.running.state in (State.RUNNING, State.STARTING) and not self.ended

    @property
    def ending(self) -> str:
        """How it ended, in the supervisor's words."""
        return self.status.running.detail

    def ports_with(self, *reasons: Reason) -> tuple[EndpointStatus, ...]:
        """Return the endpoints that are ill for one of ``reasons``, strangers left out."""
        return tuple(
            e
            for e in self.status.endpoints
            if not e.healthy and not e.stranger and e.reason in reasons
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All services. ``trouble``: what is wrong with who runs them; ``alive``: whether that runs;
    ``oom_kills``: processes that the kernel has killed for memory since boot; ``keeper_frozen``:
    the process of who runs them, where a signal stopped it, else 0; ``keeper_said``: its
    last words, where it is gone."""

    alive: bool
    trouble: str
    rows: tuple[Service, ...]
    oom_kills: int = 0
    keeper_frozen: int = 0
    keeper_said: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Service:
        return next(row for row in self.rows if row.id == name)

    @property
    def ill(self) -> Iterator[Service]:
        """Every service that should be well and is not; none while nothing runs at all."""
        return (row for row in self.rows if row.ill and (self.alive or not self.idle))

    @property
    def idle(self) -> bool:
        """Whether nothing of ours runs."""
        return not any(r.runs or r.ended for r in self.rows if not r.status.service.by_developer)
