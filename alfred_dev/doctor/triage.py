"""Which findings are root causes, and which merely follow. Pure.

Two graphs decide: what a check says it may follow from, and which service needs which. A finding
follows from another when its check says so, and both are about the same thing, or the other is
about everything, or it is a mere symptom of a service that needs what the other is about. What
follows over several steps does so by findings that are there, never by codes alone: that B can
follow from A, and C from B, says nothing of A and C where B was not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from alfred_dev.doctor.model import Cause, Check, Finding, Outcome, Severity, State
from alfred_dev.plan import Plan

Graph = Mapping[str, frozenset[str]]
ORDER = {severity: place for place, severity in enumerate(Severity)}


class Found(NamedTuple):
    """A finding and the check that it is of."""

    check: Check
    finding: Finding

    @property
    def subjects(self) -> frozenset[str]:
        """Everything that it is about."""
        return self.finding.about | {self.finding.subject}

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.finding.severity or self.check.severity


def closure(graph: Graph) -> Graph:
    """Return for every node all that it reaches, directly or not; cycles do no harm."""
    whole: dict[str, frozenset[str]] = {}
    for start in graph:
        seen: set[str] = set()
        todo = [*graph[start]]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += graph.get(node, ())
        whole[start] = frozenset(seen)
    return whole


def service_graph(plan: Plan | None) -> Graph:
    """Return which service needs which, directly or not."""
    if plan is None:
        return {}
    return closure({s.id: frozenset(s.depends_on) for s in plan.services})


def follows(later: Found, earlier: Found, checks: Graph, services: Graph) -> bool:
    """Tell whether ``later`` would not be there without ``earlier``."""
    if later == earlier or ORDER[earlier.severity] > ORDER[later.severity]:
        return False
    below = {d for subject in later.subjects for d in services.get(subject, frozenset())}
    if later.finding.symptom and _ails(earlier) and earlier.subjects & below:
        return True
    if earlier.check.code not in checks.get(later.check.code, frozenset()):
        return False
    return bool(earlier.finding.everything or earlier.subjects & later.subjects)


def _ails(found: Found) -> bool:
    return found.severity is Severity.ERROR


def causes(outcomes: Iterable[Outcome], plan: Plan | None) -> tuple[Cause, ...]:
    """Return the root causes, the likeliest first; each with all that follows from it."""
    outcomes = list(outcomes)
    checks = {o.check.code: o.check.depends_on for o in outcomes}
    services = service_graph(plan)
    found = [Found(o.check, finding) for o in outcomes for finding in o.findings]
    above = {i: [j for j, e in enumerate(found) if follows(f, e, checks, services)]
             for i, f in enumerate(found)}  # fmt: skip
    roots = _roots(above)
    masks: dict[int, list[str]] = {root: [] for root in roots}
    for index in range(len(found)):
        for root in _tops(index, above, roots) - {index}:
            masks[root].append(_said(found[index]))
    made = [
        Cause(check=found[r].check, finding=found[r].finding, masks=tuple(dict.fromkeys(masks[r])))
        for r in roots
    ]
    return tuple(sorted(_merged(made), key=lambda c: _place(c, plan)))


def _roots(above: Mapping[int, Sequence[int]]) -> list[int]:
    """Return what follows from nothing. Of findings that follow from each other, the first."""
    roots = [index for index, earlier in above.items() if not earlier]
    reached = _covered(above, roots)
    for index in above:
        if index not in reached:  # a circle: somebody must be named
            roots.append(index)
            reached = _covered(above, roots)
    return roots


def _covered(above: Mapping[int, Sequence[int]], roots: Iterable[int]) -> set[int]:
    covered = set(roots)
    while more := {i for i, e in above.items() if i not in covered and covered & set(e)}:
        covered |= more
    return covered


def _tops(index: int, above: Mapping[int, Sequence[int]], roots: Sequence[int]) -> set[int]:
    seen, todo = set(), [index]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            if node not in roots or node == index:
                todo += above[node]
    return seen & set(roots)


def _said(found: Found) -> str:
    return f"{found.finding.subject}: {found.check.code}"


def _merged(made: Sequence[Cause]) -> list[Cause]:
    """Join causes that one and the same fix mends: one thing seen on several subjects."""
    kept: dict[object, Cause] = {}
    for cause in made:
        fix = cause.finding.fix
        key = (cause.check.code, fix.commands) if fix.commands else (cause.check.code, id(cause))
        first = kept.get(key)
        kept[key] = cause if first is None else _joined(first, cause)
    return list(kept.values())


def _joined(first: Cause, second: Cause) -> Cause:
    finding = first.finding
    joined = replace(
        finding,
        about=finding.about | second.finding.about | {second.finding.subject},
        evidence=tuple(dict.fromkeys((*finding.evidence, *second.finding.evidence))),
    )
    masks = tuple(dict.fromkeys((*first.masks, *second.masks)))
    return replace(first, finding=joined, masks=masks)


def _place(cause: Cause, plan: Plan | None) -> tuple[int, int, int, int, str]:
    ids = plan.ids if plan else ()
    subject = cause.finding.subject
    place = ids.index(subject) if subject in ids else -1
    return (ORDER[cause.severity], cause.check.rank, -len(cause.masks), place, subject)


def states(outcomes: Iterable[Outcome], roots: Iterable[Cause]) -> tuple[Outcome, ...]:
    """Return the outcomes; of those that found something only roots keep ``found``."""
    codes = {cause.check.code for cause in roots}
    return tuple(
        replace(o, state=State.MASKED)
        if o.state is State.FOUND and o.check.code not in codes
        else o
        for o in outcomes
    )
