"""What to say of a stack beside its table: why something is ill, and what to type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from alfred_dev import failure, logs, reconcile
from alfred_dev.failure import Failure
from alfred_dev.runtime.base import Runtime
from alfred_dev.stack import Stack
from alfred_dev.status import Health, ServiceStatus

LOG_TAIL = 16_000


def explain(
    stack: Stack, statuses: Sequence[ServiceStatus], *, out_of_memory: bool = False
) -> tuple[Failure, ...]:
    """Return the root causes of what is ill, with the last lines of each."""
    ill = [s for s in statuses if s.selected and s.health is not Health.HEALTHY]
    said = {s.id: _said(stack.runtime, s) for s in ill}
    return failure.explain(statuses, said, stack.plan.secrets, out_of_memory=out_of_memory)


def _said(runtime: Runtime, status: ServiceStatus) -> str:
    """Return what a service has said since its last start."""
    lines = logs.parse(status.id, runtime.last_words(status.id, LOG_TAIL))
    begin = datetime.fromtimestamp(status.running.started_at, UTC)
    found = logs.since_start(lines, begin, again=status.running.restarts > 0)
    return "\n".join(line.message for line in found)


def notes(stack: Stack, statuses: Sequence[ServiceStatus]) -> list[str]:
    """Say what ``status`` cannot show in its table: a lost supervisor, services that are stale."""
    if trouble := stack.runtime.trouble():
        return [f"{trouble}: alfred-dev up starts all of it anew, alfred-dev down ends it"]
    return stale(stack, statuses)


def stale(stack: Stack, statuses: Sequence[ServiceStatus]) -> list[str]:
    """Say which running services do not run as planned any more, and what to type."""
    desired = stack.desired().specs
    causes: dict[str, list[str]] = {}
    for found in statuses:
        spec = found.running.spec
        if found.running.pid and spec is not None and found.id in desired:
            for cause in reconcile.differences(spec, desired[found.id]):
                causes.setdefault(cause, []).append(found.id)
    return [
        f"{cause} since {', '.join(names)} started: alfred-dev up restarts what needs it"
        for cause, names in causes.items()
    ]
