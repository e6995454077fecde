"""Whether somebody else holds the ports of what is to start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from alfred_dev.errors import MachineError
from alfred_dev.host import listeners
from alfred_dev.plan import Plan
from alfred_dev.runtime.base import Observed


def conflicts(
    plan: Plan, services: Collection[str], observe: Callable[[], Observed]
) -> list[listeners.Conflict]:
    """Return every port of ``services`` that somebody else holds."""
    ours = [s for s in plan.services if s.id in services and not s.by_developer]
    if not ours:
        return []
    held = {port for running in observe().services.values() for port in running.ports}
    endpoints = (e for service in ours for e in service.endpoints)
    ports = {e.port: e.service for e in endpoints if e.port not in held}
    if not ports:
        return []
    found = listeners.conflicts(ports, listeners.listeners(ports))
    published = {service.id for service in plan.contained}
    hidden = listeners.unlisted(ports, found, published=published)
    return listeners.with_containers(found + hidden)


def refuse(conflicts: Sequence[listeners.Conflict]) -> None:
    """Refuse to start while there are any. Raises MachineError with every holder."""
    if not conflicts:
        return
    fixes = dict.fromkeys(line for conflict in conflicts for line in conflict.fix)
    count = len({conflict.port for conflict in conflicts})
    raise MachineError(
        "port-taken",
        f"{count} of our ports {'is' if count == 1 else 'are'} taken; nothing was started",
        cause="\n".join(str(conflict) for conflict in conflicts),
        fix=[*fixes, "alfred-dev up", "or use other ports: alfred-dev up --slot auto"],
    )
