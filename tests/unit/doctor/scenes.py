"""Services as a look would see them, made in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alfred_dev.doctor.model import Check, Finding, Given
from alfred_dev.doctor.seen import Process, Service, Services
from alfred_dev.plan import Plan
from alfred_dev.probe.base import ProbeResult, Reason, ill, well
from alfred_dev.runtime.base import LaunchSpec, Observed, Running, State
from alfred_dev.status import assess
from tests import worlds


def seen(
    *,
    states: Mapping[str, State] | None = None,
    details: Mapping[str, str] | None = None,
    answers: Mapping[str, ProbeResult] | None = None,
    said: Mapping[str, Collection[str]] | None = None,
    processes: Mapping[str, Process] | None = None,
    told: Mapping[str, Mapping[str, str]] | None = None,
    drift: Mapping[str, tuple[str, ...]] | None = None,
    selected: Collection[str] | None = None,
    alive: bool = True,
    trouble: str = "",
    oom_kills: int = 0,
    closed: Collection[str] = (),
    plan: Plan | None = None,
) -> Services:
    """Everything is well but for what is named. ``closed``: nothing listens there."""
    plan = plan or worlds.plan()
    running, probes = {}, {}
    for service in plan.services:
        state = (states or {}).get(service.id, State.RUNNING if alive else State.STOPPED)
        runs = state in (State.RUNNING, State.STARTING)
        ports = [e.listen for e in service.endpoints] if runs and service.id not in closed else []
        running[service.id] = Running(
            state=state,
            pid=100 if runs else 0,
            memory_kills=0,
            detail=(details or {}).get(service.id, ""),
            ports=frozenset(ports),
            spec=LaunchSpec(service=service.id, source="x", argv=("x",), environment={}),
        )
        for endpoint in service.endpoints:
            refused = ill(Reason.REFUSED, f"nothing listens on 127.0.0.1:{endpoint.port}")
            answer = (answers or {}).get(service.id, well("answers"))
            probes[endpoint.port] = answer if ports else refused
    chosen = plan.ids if selected is None else selected
    statuses = assess(plan, Observed(alive=alive, services=running), probes, chosen)
    rows = tuple(
        Service(
            status=status,
            said=tuple((said or {}).get(status.id, ())),
            process=(processes or {}).get(status.id, Process()),
            told=(told or {}).get(status.id, {}),
            drift=(drift or {}).get(status.id, ()),
        )
        for status in statuses
    )
    return Services(alive=alive, trouble=trouble, rows=rows, oom_kills=oom_kills)


def given(**more: Any) -> Given:
    """What judges know of an ordinary checkout that was started."""
    plan = more.pop("plan", None) or worlds.plan()
    return Given(**{"root": "/p", "plan": plan, "ever_up": True,
                    "selected": frozenset(plan.ids), **more})  # fmt: skip


def judged(check: Check, look: object, known: Given | None = None) -> list[Finding]:
    """Return what a check finds."""
    return list(check.judge(look, known or given()))
