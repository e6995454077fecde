"""A stack that runs nowhere, and views of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from alfred_dev.dashboard.figures import Traffic
from alfred_dev.dashboard.history import History
from alfred_dev.dashboard.sampler import Sampler
from alfred_dev.dashboard.seen import View
from alfred_dev.host.usage import Usage
from alfred_dev.plan import Facts
from alfred_dev.probe.base import ProbeResult, Reason
from alfred_dev.runtime.base import Desired, Observed, Running, State
from alfred_dev.stack import Stack
from alfred_dev.status import assess
from alfred_dev.workspace import Workspace
from tests.worlds import ENGINES, SECRETS, plan

PLAN = plan(Facts(engines={**ENGINES, "gateway": "Envoy", "dashboard": "ours"}, code="code-1"))


class Nowhere:
    """A runtime in which nothing runs, and whose services say their passwords."""

    name = "process"

    def observe(self, ports: Mapping[str, Iterable[int]]) -> Observed:
        return Observed(alive=False)

    def last_words(self, name: str, size: int) -> str:
        return f"2026-01-02T03:04:05.000Z {name} uses {SECRETS['REDIS_PASSWORD']}\n"


def stack(root: Path) -> Stack:
    return Stack(
        workspace=Workspace(root),
        plan=PLAN,
        profiles=(),
        runtime=Nowhere(),  # type: ignore[arg-type]
        desired=lambda: Desired(specs={}, artifacts=()),
    )


def sampler(root: Path) -> Sampler:
    made = stack(root)
    return Sampler(lambda: made, made, History(root / "history.sqlite"))


def view(*, ill: str = "redis") -> View:
    """All is well, but for ``ill``."""
    well = {
        s.id: Running(state=State.RUNNING, pid=7, ports=frozenset(e.listen for e in s.endpoints))
        for s in PLAN.services
        if s.id != ill
    }
    probes = {
        e.port: ProbeResult(ok=True, latency_ms=2.5, detail="", reason=Reason.OK)
        for e in PLAN.endpoints
        if e.service != ill
    }
    return View(
        at=1000.0,
        plan=PLAN,
        statuses=assess(PLAN, Observed(alive=True, services=well), probes, PLAN.ids),
        usage={"db-postgres": Usage(cpu_s=1.0, memory=50_000_000)},
        cpu={"db-postgres": 0.25},
        traffic={"agent-core": Traffic(rate=5.0, errors=0.0, p50=1.0, p95=2.0, p99=3.0)},
        calls={"agent-core": {"redis": Traffic(rate=2.0, errors=0, p50=1, p95=1, p99=1),
                              "gone": Traffic(rate=2.0, errors=0, p50=1, p95=1, p99=1)}},
        certificates={"gateway": 5000.0},
        tunnels=({"name": "ui", "service": "ui-chat", "healthy": True},),
        resources={"disk": 0.5},
        processors=2,
        limits={"db-postgres": 200_000_000},
    )  # fmt: skip
