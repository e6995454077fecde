"""plan x snapshot x probes -> the state of every service. Pure: one answer for all commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from alfred_dev.plan import Endpoint, Plan, PlannedService
from alfred_dev.probe.base import ProbeResult, Reason
from alfred_dev.runtime.base import Observed, Running, State

NOT_RUNNING = (State.STOPPED, State.EXITED, State.FATAL)
NOT_WELL = (*NOT_RUNNING, State.BACKOFF)


class Health(StrEnum):
    """What our probes say of a service, all its ports together."""

    HEALTHY = "healthy"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStatus:
    """One port: whether it is well, how fast it answered, and the reason if it is not."""

    endpoint: Endpoint
    healthy: bool
    latency_ms: float | None
    detail: str
    reason: Reason
    stranger: bool = False  # somebody else answers there


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One service. ``blocked_by``: the unhealthy services at the root of what it waits for."""

    service: PlannedService
    selected: bool
    running: Running
    health: Health
    detail: str
    endpoints: tuple[EndpointStatus, ...]
    blocked_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The service's id."""
        return self.service.id


NO_PROCESS = Running(state=State.STOPPED)


def assess(
    plan: Plan,
    observed: Observed,
    probes: Mapping[int, ProbeResult],
    selected: Collection[str],
) -> tuple[ServiceStatus, ...]:
    """Return the state of every service. ``probes``: results by host port, where one was asked.

    A port counts as healthy only when the answer came from a process of ours: a stranger on the
    port is not our service, however well it answers.
    """
    first = [_status(s, observed, probes, s.id in selected) for s in plan.services]
    ill = {s.id for s in first if s.health is not Health.HEALTHY}
    return tuple(_with_blockers(status, plan, ill) for status in first)


def all_well(statuses: Collection[ServiceStatus]) -> bool:
    """Tell whether everything selected is healthy (and something is selected).

    The developer's own processes do not count, nor does what waits for nothing but them: they are
    started when it pleases the developer.
    """
    theirs = {s.id for s in statuses if s.service.by_developer}
    selected = [s for s in statuses if s.selected]
    return bool(selected) and all(
        s.health is Health.HEALTHY
        or s.id in theirs
        or (s.blocked_by and theirs.issuperset(s.blocked_by))
        for s in selected
    )


def _status(
    service: PlannedService,
    observed: Observed,
    probes: Mapping[int, ProbeResult],
    selected: bool,
) -> ServiceStatus:
    running = _running(service, observed)
    endpoints = tuple(_endpoint(e, running, probes.get(e.port)) for e in service.endpoints)
    health = _health(service, running, endpoints)
    ill = next((e for e in endpoints if not e.healthy), None)
    return ServiceStatus(
        service=service,
        selected=selected,
        running=running,
        health=health,
        detail=_detail(running, health, ill),
        endpoints=endpoints,
    )


def _running(service: PlannedService, observed: Observed) -> Running:
    if service.by_developer:
        return Running(state=State.RUNNING, ports=frozenset(e.listen for e in service.endpoints))
    return observed.services.get(service.id, NO_PROCESS)


def _endpoint(endpoint: Endpoint, running: Running, probe: ProbeResult | None) -> EndpointStatus:
    if probe is None:
        return EndpointStatus(
            endpoint=endpoint,
            healthy=False,
            latency_ms=None,
            detail="nothing listens yet",
            reason=Reason.REFUSED,
        )
    ours = endpoint.listen in running.ports
    stranger = not ours and probe.reason is not Reason.REFUSED
    other = f"somebody else answers on port {endpoint.port}, not {endpoint.service}"
    return EndpointStatus(
        endpoint=endpoint,
        healthy=probe.ok and ours,
        latency_ms=round(probe.latency_ms, 1) if probe.ok and ours else None,
        detail=other if stranger else probe.detail,
        reason=probe.reason,
        stranger=stranger,
    )


def _health(
    service: PlannedService, running: Running, endpoints: Collection[EndpointStatus]
) -> Health:
    if service.is_task and (running.finished or running.state not in NOT_WELL):
        return Health.HEALTHY if running.finished else Health.STARTING
    if running.state in (State.EXITED, State.FATAL, State.BACKOFF):
        return Health.UNHEALTHY
    if running.state is State.STOPPED:
        return Health.DOWN
    if all(e.healthy for e in endpoints):
        return Health.HEALTHY
    # The engine accepts for a container as soon as it runs, and hangs up until that listens too.
    quiet = {Reason.REFUSED, Reason.STARTING, *([Reason.RESET] if service.contained else [])}
    young = running.state is State.STARTING
    if young and all(e.healthy or e.reason in quiet for e in endpoints):
        return Health.STARTING
    return Health.UNHEALTHY


def _detail(running: Running, health: Health, ill: EndpointStatus | None) -> str:
    if running.state in (State.EXITED, State.FATAL, State.BACKOFF):
        well = "it has ended well" if health is Health.HEALTHY else "it ended"
        return well if running.finished else running.detail or well
    if ill is not None and ill.stranger:
        return ill.detail
    if health is Health.STARTING and ill is None:
        return "it is at work"
    if health is Health.DOWN:
        return running.detail or "it does not run"
    return "" if ill is None else f"port {ill.endpoint.port}: {ill.detail}"


def _with_blockers(status: ServiceStatus, plan: Plan, ill: Collection[str]) -> ServiceStatus:
    if status.health is Health.HEALTHY:
        return status
    return ServiceStatus(
        service=status.service,
        selected=status.selected,
        running=status.running,
        health=status.health,
        detail=status.detail,
        endpoints=status.endpoints,
        blocked_by=tuple(sorted(roots(status.id, plan, ill))),
    )


def roots(name: str, plan: Plan, ill: Collection[str]) -> frozenset[str]:
    """Return the ill services below ``name`` that themselves wait for nobody ill."""
    below = [d for d in plan[name].depends_on if d in ill]
    deeper = [(d, roots(d, plan, ill)) for d in below]
    return frozenset().union(*(found or {d} for d, found in deeper))
