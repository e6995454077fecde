"""desired x observed -> steps, each with its cause. Pure; ``str(step)`` is a line of --dry-run."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from alfred_dev.plan import Plan, SourceKind
from alfred_dev.runtime.base import LaunchSpec, Observed, State

EMBEDDED = "ALFRED_EMBEDDED"


class Action(StrEnum):
    """What can be done to a service."""

    START = "start"
    RESTART = "restart"
    KEEP = "keep"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and why."""

    action: Action
    service: str
    cause: str

    def __str__(self) -> str:
        return f"{self.action:<8}{self.service:<22}{self.cause}"


def steps(
    plan: Plan,
    desired: Mapping[str, LaunchSpec],
    observed: Observed,
    *,
    again: Collection[str] = (),
) -> tuple[Step, ...]:
    """Return what to do: first end what no longer belongs, then the plan in start order.

    ``desired``: how everything is started that may run here, also beyond ``plan``; what is no
    entry of the catalog serves all; ``again``: tasks to do once more.
    """
    tasks = {s.id for s in plan.services if s.is_task and s.id not in again}
    ending = (
        Step(Action.STOP, name, "it is not ours to run any more")
        for name, running in observed.services.items()
        if name not in desired and running.state not in (State.STOPPED, State.EXITED)
    )
    ours = [service.id for service in plan.services if service.id in desired]
    beside = [name for name in desired if name not in plan.catalog.entries]
    names = (*ours, *beside)
    return (*ending, *(_step(n, desired[n], observed, once=n in tasks) for n in names))


def _step(name: str, wanted: LaunchSpec, observed: Observed, *, once: bool) -> Step:
    running = observed.services.get(name)
    if running is None or running.state is State.STOPPED:
        cause = running.detail if running and running.detail else "it is not running"
        return Step(Action.START, name, cause)
    done = once and running.finished
    if running.state in (State.FATAL, State.EXITED) and not done:
        return Step(Action.START, name, f"it has ended ({running.detail})")
    if running.spec is None:
        return Step(Action.RESTART, name, "how it was started is not known")
    causes = differences(running.spec, wanted)
    if causes:
        return Step(Action.RESTART, name, ", ".join(causes))
    if done:
        return Step(Action.KEEP, name, "it has ended well")
    return Step(Action.KEEP, name, f"it runs as planned (pid {running.pid})")


def differences(old: LaunchSpec, new: LaunchSpec) -> tuple[str, ...]:
    """Say what changed between two ways to start a service; names of variables, never values."""
    if old.source != new.source:
        return (f"it now comes from {new.source}",)
    causes = []
    if old.code != new.code:
        image = bool(new.around) and new.source not in (SourceKind.EMBEDDED, SourceKind.STAND_IN)
        causes.append("its image changed" if image else "alfred-dev was updated")
    if old.argv != new.argv:
        causes.append("its command line changed")
    changed = sorted(
        key
        for key in old.environment.keys() | new.environment.keys()
        if old.environment.get(key) != new.environment.get(key)
    )
    if EMBEDDED in changed:  # one variable that holds all that an engine of ours is told
        changed.remove(EMBEDDED)
        parts = _parts(*(spec.environment.get(EMBEDDED, "") for spec in (old, new)))
        causes.append(f"what it is told ({parts}) changed")
    if changed:
        causes.append(f"{_some(changed)} changed")
    if old.files != new.files:
        causes.append("its configuration file changed")
    if old.around != new.around:
        causes.append(f"{_parts(old.around, new.around)} changed")
    return tuple(causes)


def _parts(old: str, new: str) -> str:
    """Return which parts of a container's entry differ: ports, volumes, limits."""
    before, after = (json.loads(text or "{}") for text in (old, new))
    keys = before.keys() | after.keys()
    return _some(sorted(key for key in keys if before.get(key) != after.get(key)))


def _some(names: Iterable[str], limit: int = 3) -> str:
    listed = list(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
