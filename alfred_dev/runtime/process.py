"""Local processes under supervisord: config file in, XML-RPC over a unix socket out."""

from __future__ import annotations

import os
import time
import xmlrpc.client  # noqa: S411 - only its Fault class
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alfred_dev.errors import MachineError
from alfred_dev.host import processes
from alfred_dev.runtime import keeper, logfiles, spawn
from alfred_dev.runtime.base import Observed, Running, State
from alfred_dev.runtime.evidence import endings, tail
from alfred_dev.runtime.keeper import Keeper
from alfred_dev.runtime.launch import started_file
from alfred_dev.runtime.rpc import Supervisor
from alfred_dev.runtime.spawn import socket_path
from alfred_dev.runtime.started import Started, starts_in
from alfred_dev.workspace import Workspace, delete_tree, make_private_folder

READY_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
STATES: Mapping[str, State] = {
    "STOPPED": State.STOPPED,
    "STOPPING": State.STOPPED,
    "STARTING": State.STARTING,
    "RUNNING": State.RUNNING,
    "BACKOFF": State.BACKOFF,
    "EXITED": State.EXITED,
    "FATAL": State.FATAL,
    "UNKNOWN": State.FATAL,
}
ENDED = ("EXITED", "FATAL", "BACKOFF", "STOPPED")


@dataclass(frozen=True, slots=True)
class ProcessRuntime:
    """The services of one checkout as processes of this machine."""

    workspace: Workspace
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """The word that ``--runtime`` takes."""
        return "process"

    @property
    def socket(self) -> Path:
        """Where our supervisord listens, or would."""
        known = keeper.noted(self.workspace.run)
        return Path(known.socket) if known and known.alive else socket_path(self.workspace)

    @property
    def supervisor(self) -> Supervisor:
        """A connection to our supervisord, opened on first use."""
        return Supervisor(self.socket)

    def observe(self, ports: Mapping[str, Iterable[int]]) -> Observed:
        """Take one snapshot. ``ports``: what each service should listen on."""
        records = self.records()
        if records is None:
            return Observed(alive=False)
        notes = self.started()
        ended = self.endings() if any(r["statename"] in ENDED for r in records) else {}
        listens = listening({r["name"]: r["pid"] for r in records if r["pid"]}, ports)
        services = {}
        for record in records:
            name, pid = record["name"], record["pid"]
            note = notes.get(name)
            state = STATES[record["statename"]]
            services[name] = Running(
                state=state,
                pid=pid,
                started_at=note.at if note else 0.0,
                started_before=note.before if note else 0.0,
                memory_kills=note.memory_kills if note else -1,
                restarts=note.starts - 1 if note else 0,
                detail=ended.get(name, record["spawnerr"]) if state is not State.RUNNING else "",
                ports=listens.get(name, frozenset()),
                spec=note.spec if note else None,
                finished=record["statename"] == "EXITED" and record["exitstatus"] == 0,
            )
        pids = {r.pid for r in services.values() if r.pid}
        return Observed(alive=True, services=services, pids=frozenset(pids))

    def records(self) -> list[dict[str, Any]] | None:
        """Return supervisord's own records, None when it does not run, or is frozen."""
        if self._frozen:
            return None
        try:
            return self.supervisor.processes()
        except (OSError, xmlrpc.client.Error, xmlrpc.client.ResponseError):
            return None

    @property
    def _frozen(self) -> bool:
        known = keeper.noted(self.workspace.run)
        return known is not None and known.frozen

    def started(self) -> dict[str, Started]:
        """Return what the launcher wrote down, by service."""
        return starts_in(self.workspace.run)

    def endings(self) -> dict[str, str]:
        """Return how each service ended last, in supervisord's words."""
        return endings(tail(self.workspace.logs / "supervisord.log", 64_000))

    def ensure(self) -> None:
        """Have supervisord running with the rendered configuration. Raises MachineError."""
        make_private_folder(self.workspace.run / "started")
        if self._takes_over_configuration():
            return
        self.end_all()
        socket = self.socket
        process = spawn.spawn(self.workspace, socket, self.environment)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self.records() is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise spawn.failed(self.workspace, process, socket)
            time.sleep(POLL_S)

    def _takes_over_configuration(self) -> bool:
        """Have the running supervisord read the configuration anew; False when it cannot."""
        known = keeper.noted(self.workspace.run)
        if known is None or not known.alive or known.frozen or not known.fits(self.workspace.home):
            return False
        try:
            self.supervisor.reload()
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def trouble(self) -> str:
        """Say what is wrong with the supervisor itself; nothing when all is well."""
        known = keeper.noted(self.workspace.run)
        if self.records() is not None:
            moved = known is not None and not known.fits(self.workspace.home)
            return "the folder or its Python has moved since the services started" if moved else ""
        if known is not None and known.alive:
            return f"the supervisor (pid {known.pid}) runs, but does not answer"
        left = len(self.orphans())
        return f"the supervisor was killed; {left} of its services live on" if left else ""

    def apply(self, start: Sequence[str], restart: Sequence[str]) -> None:
        """Take over the rendered files, then start; returns before anything is healthy."""
        self.ensure()  # also ends what is no longer in the configuration
        if restart:
            self.stop(restart)
        if changes := [*start, *restart]:
            self.start(changes)

    def start(self, names: Iterable[str]) -> None:
        """Start programs; returns at once. Their count of restarts begins anew."""
        wanted = list(names)
        for name in wanted:
            started_file(self.workspace.run, name).unlink(missing_ok=True)
        self.supervisor.call_all("startProcess", wanted, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stop programs and wait until they have ended."""
        wanted = set(names)
        if self.records() is None:
            return
        self.supervisor.call_all("stopProcess", sorted(wanted), False)
        self._wait(lambda: not self._active(wanted))

    def _active(self, names: set[str]) -> bool:
        active = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
        return any(r["name"] in names and r["statename"] in active for r in self.records() or ())

    def down(self, *, volumes: bool = False) -> list[str]:
        """End everything, supervisord too; return what had to be cleaned up without it."""
        cleaned = self._end()
        if volumes:
            delete_tree(self.workspace.data)
        return cleaned

    def _end(self) -> list[str]:
        records = self.records()
        known = keeper.noted(self.workspace.run)
        if records is not None and known is not None and known.alive:
            self.stop(r["name"] for r in records)
            self.supervisor.shutdown()
            self._wait(lambda: not known.alive)
        return self.end_all()

    def orphans(self) -> list[Started]:
        """Return recorded processes that live on without a supervisord."""
        if self.records() is not None:
            return []
        return self._alive()

    def _alive(self) -> list[Started]:
        return [s for s in self.started().values() if s.alive]

    def end_all(self) -> list[str]:
        """End what a lost supervisord left behind, itself first: it would start them again.

        Returns the services. Raises MachineError when something cannot be ended.
        """
        alive = self._alive()
        for lost in self._lost_keepers():
            lost.end()
        for orphan in alive:
            processes.kill_tree(orphan.pid, orphan.identity, grace_s=3.0)
        for path in (self.workspace.run / "started").glob("*"):
            path.unlink(missing_ok=True)
        (self.workspace.run / keeper.FILE).unlink(missing_ok=True)
        return [orphan.service for orphan in alive]

    def _lost_keepers(self) -> list[Keeper]:
        """Return every supervisord of this checkout, also one whose record is gone."""
        known = keeper.noted(self.workspace.run)
        found = [known] if known is not None and known.alive else []
        answering = self._answering_pid()
        if answering and answering not in [k.pid for k in found]:
            identity = processes.identity(answering)
            found.append(
                Keeper(
                    pid=answering,
                    identity=str(identity),
                    uid=os.getuid(),
                    socket=str(socket_path(self.workspace)),
                    python="",
                    home="",
                )
            )
        return found

    def _answering_pid(self) -> int:
        if self._frozen:
            return 0
        try:
            return Supervisor(socket_path(self.workspace)).pid()
        except (OSError, xmlrpc.client.Error):
            return 0

    def logs(self, names: Sequence[str]) -> dict[str, str]:
        """Return all that services have logged, rotated files too."""
        return logfiles.read_all(self.workspace.logs, names)

    def follow(self, names: Sequence[str]) -> Iterable[Mapping[str, str]]:
        """Yield what services log from now on."""
        return logfiles.Follower(self.workspace.logs, names)

    def last_words(self, name: str, size: int) -> str:
        """Return at most the last ``size`` bytes that a service has logged."""
        return tail(self.workspace.logs / f"{name}.log", size)

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while not done():
            if time.monotonic() > deadline:
                raise MachineError(
                    "stop-failed",
                    "not everything has ended",
                    cause=f"something still runs after {STOP_TIMEOUT_S:g} s",
                    fix=["alfred-dev down"],
                )
            time.sleep(POLL_S)


def listening(
    pids: Mapping[str, int], wanted: Mapping[str, Iterable[int]]
) -> dict[str, frozenset[int]]:
    """Return the ports that each service listens on.

    A service's children are only asked when its first process lacks a port that it should have.
    """
    own = processes.listening_ports(pids.values())
    lacking = {n: p for n, p in pids.items() if not set(wanted.get(n, ())) <= own[p]}
    trees = {name: processes.tree(pid)[1:] for name, pid in lacking.items()}
    below = processes.listening_ports(c for children in trees.values() for c in children)
    return {
        name: frozenset(own[pid].union(*(below[c] for c in trees.get(name, ()))))
        for name, pid in pids.items()
    }
