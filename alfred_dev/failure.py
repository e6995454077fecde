"""Why ``up`` failed: the earliest ill services, their class, their last lines, what to type.

Pure: statuses and log texts in, failures out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alfred_dev.probe.base import Reason
from alfred_dev.runtime.base import State
from alfred_dev.runtime.containers import KILLED_FOR_MEMORY
from alfred_dev.settings import masked
from alfred_dev.status import Health, ServiceStatus

EVIDENCE_LINES = 5
MENDS = "; to mend it: "
"""Before the commands, in the last line of an engine of ours (``alfred_dev.embedded``)."""


class FailureClass(StrEnum):
    """What kind of thing went wrong."""

    PORT = "port"
    BINARY = "binary"
    ENVIRONMENT = "env"
    CRASH = "crash"
    MEMORY = "out-of-memory"
    DISK = "disk"
    PROBE = "probe"
    TIMEOUT = "time-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One root cause. ``blocks``: the services that wait for it and are no failures themselves.

    ``definite``: waiting longer cannot mend it.
    """

    service: str
    kind: FailureClass
    cause: str
    evidence: tuple[str, ...]
    fix: tuple[str, ...]
    blocks: tuple[str, ...]
    definite: bool


# The first pattern found in the last lines of a service that ended says why it ended.
SAID: tuple[tuple[str, FailureClass], ...] = (
    (r"(?i)address already in use|EADDRINUSE|cannot listen on", FailureClass.PORT),
    (r"(?i)no space left on device|ENOSPC|disk quota exceeded", FailureClass.DISK),
    (r"(?i)cannot allocate memory|MemoryError|OutOfMemoryError", FailureClass.MEMORY),
    (
        r"(?i)cannot be executed|exec format error|command not found|cannot open shared object",
        FailureClass.BINARY,
    ),
    (
        r"(?i)password authentication failed|NOAUTH|WRONGPASS|[A-Z]+_[A-Z_]+ is (missing|empty)"
        r"|not set|incompatible with|KeyError: '[A-Z_]+'",
        FailureClass.ENVIRONMENT,
    ),
)
ADVICE: Mapping[FailureClass, str] = {
    FailureClass.PORT: "alfred-dev ports --check",
    FailureClass.DISK: "df -h .   (free some space, then: alfred-dev up)",
    FailureClass.MEMORY: "free -m   (close something, or start less: alfred-dev up --profile core)",
    FailureClass.BINARY: "alfred-dev status   (its source stands under FROM)",
    FailureClass.ENVIRONMENT: "alfred-dev env   (compare with .env and with your shell)",
    FailureClass.TIMEOUT: "alfred-dev restart {service}",
}


def explain(
    statuses: Sequence[ServiceStatus],
    logs: Mapping[str, str],
    secrets: frozenset[str],
    *,
    out_of_memory: bool = False,
) -> tuple[Failure, ...]:
    """Return the root causes among the selected services, in start order.

    ``logs``: what each service has said since its start, unmasked; ``out_of_memory``: whether the
    kernel killed something for memory since then.
    """
    ill = [s for s in statuses if s.selected and s.health is not Health.HEALTHY]
    found = [s for s in ill if not s.blocked_by]
    return tuple(_failure(s, ill, logs.get(s.id, ""), secrets, out_of_memory) for s in found)


def _failure(
    status: ServiceStatus,
    ill: Sequence[ServiceStatus],
    log: str,
    secrets: frozenset[str],
    out_of_memory: bool,
) -> Failure:
    kind = classify(status, log, out_of_memory=out_of_memory)
    lines = [line for line in masked(log, secrets).splitlines() if line.strip()]
    cause = status.detail or "it does not answer"
    return Failure(
        service=status.id,
        kind=kind,
        cause=masked(cause, secrets),
        evidence=tuple(lines[-EVIDENCE_LINES:]),
        fix=(
            *_password_advice(status),
            *_own_advice(status, lines[-EVIDENCE_LINES:]),
            *((ADVICE[kind].format(service=status.id),) if kind in ADVICE else ()),
            f"alfred-dev logs {status.id}",
        ),
        blocks=tuple(s.id for s in ill if status.id in s.blocked_by),
        definite=is_definite(status),
    )


def classify(status: ServiceStatus, log: str, *, out_of_memory: bool) -> FailureClass:
    """Return the class of what ails ``status``."""
    if status.running.state in (State.EXITED, State.FATAL, State.BACKOFF):
        killed = "SIGKILL" in status.running.detail and out_of_memory
        if killed or KILLED_FOR_MEMORY in status.running.detail:
            return FailureClass.MEMORY
        last = "\n".join(log.splitlines()[-30:])
        return next((k for pattern, k in SAID if re.search(pattern, last)), FailureClass.CRASH)
    reasons = {e.reason for e in status.endpoints if not e.healthy}
    if any(e.stranger for e in status.endpoints):
        return FailureClass.PORT
    if Reason.AUTH in reasons:
        return FailureClass.ENVIRONMENT
    if reasons & {Reason.STATUS, Reason.PROTOCOL, Reason.RESET, Reason.OTHER}:
        return FailureClass.PROBE
    return FailureClass.TIMEOUT


def is_definite(status: ServiceStatus) -> bool:
    """Tell whether waiting longer cannot make this service healthy."""
    return status.running.state in (State.FATAL, State.EXITED) or any(
        e.stranger or e.reason is Reason.AUTH for e in status.endpoints if not e.healthy
    )


def _own_advice(status: ServiceStatus, lines: Sequence[str]) -> tuple[str, ...]:
    """Return what an engine of ours says that mends it; a container's paths are not ours."""
    if not status.service.is_process:
        return ()
    said = [line.partition(MENDS)[2] for line in lines if MENDS in line]
    return tuple(said[-1].split(" | ")) if said else ()


def _password_advice(status: ServiceStatus) -> tuple[str, ...]:
    if any(e.reason is Reason.AUTH for e in status.endpoints):
        return (
            "put back the password that the data was made with (in .env, or unset it in your "
            "shell), or start with empty data: alfred-dev down --volumes",
        )
    return ()
