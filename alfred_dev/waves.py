"""What is started later, because it may not bear to come before what it depends on. Pure.

Our own engines and stand-ins wait by themselves, so they start all at once, which is fastest. An
image of somebody else may end when its database does not answer yet, and a task surely does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from alfred_dev.catalog.model import Condition
from alfred_dev.plan import Plan, SourceKind
from alfred_dev.reconcile import Action, Step
from alfred_dev.status import Health, ServiceStatus

STRANGERS = (SourceKind.IMAGE, SourceKind.CHECKOUT)


def waiting(plan: Plan, steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """Return the services that are not started yet, each with whose health it waits for.

    ``plan``: what was asked for; what is not in it holds nothing up.
    """
    named = {s.service for s in steps if s.action in (Action.START, Action.RESTART)}
    found = {name: _awaited(plan, name) for name in plan.ids if name in named}
    return {name: below for name, below in found.items() if below}


def _awaited(plan: Plan, name: str) -> frozenset[str]:
    """Return whom ``name`` waits for; never for the developer, who starts things at will."""
    if plan[name].source.kind not in STRANGERS:
        return frozenset()
    below = plan[name].depends_on.items()
    return frozenset(
        other
        for other, condition in below
        if condition is Condition.HEALTHY and other in plan.ids and not plan[other].by_developer
    )


def ready(
    waits: Mapping[str, Collection[str]], statuses: Sequence[ServiceStatus]
) -> tuple[str, ...]:
    """Return what waits for nobody any more."""
    healthy = {s.id for s in statuses if s.health is Health.HEALTHY}
    return tuple(name for name, below in waits.items() if healthy.issuperset(below))


def needing(plan: Plan, names: Collection[str]) -> frozenset[str]:
    """Return what needs any of ``names``, directly or not, without those themselves."""
    found: set[str] = set(names)
    while more := {s.id for s in plan.services if s.id not in found and found & {*s.depends_on}}:
        found |= more
    return frozenset(found - set(names))
