"""up, down, status: the straight line through the rooms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from alfred_dev import portcheck, reconcile, remarks, selection, status, topology, waves
from alfred_dev.catalog.model import ProbeKind
from alfred_dev.failure import Failure, FailureClass
from alfred_dev.host import processes
from alfred_dev.host.listeners import Conflict
from alfred_dev.plan import LOOPBACK, Plan, only
from alfred_dev.probe.base import ProbeResult
from alfred_dev.probe.run import probe_all
from alfred_dev.probe.targets import target_of
from alfred_dev.reconcile import Action, Step
from alfred_dev.render import pubsub
from alfred_dev.runtime.base import Observed, Runtime, State
from alfred_dev.stack import Stack
from alfred_dev.status import Health, ServiceStatus
from alfred_dev.watch import End, watch
from alfred_dev.workspace import Workspace, write

PROBE_TIMEOUT_S = 2.0
WAIT_INTERVAL_S = 0.05
NOTICE_S = 2.5
GATEWAY_FOLDER = "gateway/"
STARTING = (Action.START, Action.RESTART)


class Progress(Protocol):
    """Who shows what happens; ``cli`` has a live table, plain lines, and silence."""

    def note(self, text: str) -> None:
        """Say one line."""

    def steps(self, steps: Sequence[Step]) -> None:
        """Say what will be done."""

    def statuses(self, statuses: Sequence[ServiceStatus], elapsed_s: float) -> None:
        """Show how far it has come; called several times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a command. ``timed_out``: nothing said that it is ill, time just ran out."""

    statuses: tuple[ServiceStatus, ...]
    duration_s: float
    failures: tuple[Failure, ...] = ()
    timed_out: bool = False
    steps: tuple[Step, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether everything selected is healthy."""
        return status.all_well(self.statuses)


def up(
    stack: Stack,
    wanted: Plan,
    progress: Progress,
    *,
    wait: bool = True,
    timeout_s: float,
    again: Collection[str] = (),
) -> Report:
    """Make everything in ``wanted`` run as planned, and wait until it is healthy.

    ``again``: tasks to do once more, though they have ended well.
    Raises MachineError when a port is held by somebody else; then nothing was started.
    """
    began, killed = time.monotonic(), processes.memory_kills()
    wanted, steps = _decide(stack, wanted, progress, again)
    prepare(stack, steps)
    selection.add(stack.workspace, wanted.ids, slot=stack.plan.slot)
    progress.steps(steps)
    if not wait:
        act(stack, steps)
        statuses = look(stack, chosen=wanted.ids)
        return Report(statuses=statuses, duration_s=time.monotonic() - began, steps=steps)
    statuses, end = _carry_out(stack, wanted, steps, progress, began=began, timeout_s=timeout_s)
    put_topology(stack, statuses, progress)
    took_s = time.monotonic() - began
    if steps and end is End.HEALTHY:
        _let_notice(stack, wanted.ids)
    failures: tuple[Failure, ...] = ()
    if end is not End.HEALTHY:
        statuses = look(stack, chosen=wanted.ids)  # what was blocked has not been asked yet
        failures = remarks.explain(stack, statuses, out_of_memory=processes.memory_kills() > killed)
    return Report(
        statuses=statuses,
        duration_s=took_s,
        failures=failures,
        timed_out=end is End.TIME_OUT and all(f.kind is FailureClass.TIMEOUT for f in failures),
        steps=steps,
    )


def _decide(
    stack: Stack, wanted: Plan, progress: Progress, again: Collection[str]
) -> tuple[Plan, tuple[Step, ...]]:
    """Return what can run of ``wanted``, and the steps to that. Ends what nobody keeps."""
    if trouble := stack.runtime.trouble():
        progress.note(f"{trouble}: all of it is started anew")
        wanted = only(stack.plan, {*wanted.ids, *selected(stack)})
        stack.runtime.end_all()
    steps = dry_run(stack, wanted, again=again)
    left = left_out(stack, wanted, steps, progress)
    return (
        only(wanted, [name for name in wanted.ids if name not in left]),
        tuple(step for step in steps if step.service not in left),
    )


def _carry_out(
    stack: Stack,
    wanted: Plan,
    steps: Sequence[Step],
    progress: Progress,
    *,
    began: float,
    timeout_s: float,
) -> tuple[tuple[ServiceStatus, ...], End]:
    """Start everything, each after what it waits for, until all is well or nothing helps."""
    waits = waves.waiting(wanted, steps)
    act(stack, [s for s in steps if s.service not in waits])
    return asyncio.run(
        watch(
            stack.plan,
            wanted.ids,
            lambda: observe(stack),
            progress.statuses,
            starting=[s.service for s in steps if s.action in STARTING],
            began=began,
            deadline=began + timeout_s,
            go_on=lambda statuses: _next_wave(stack, steps, waits, statuses),
        )
    )


def _next_wave(
    stack: Stack,
    steps: Sequence[Step],
    waits: dict[str, frozenset[str]],
    statuses: Sequence[ServiceStatus],
) -> tuple[str, ...]:
    """Start what waits for nobody any more; return it."""
    names = waves.ready(waits, statuses)
    for name in names:
        del waits[name]
    act(stack, [step for step in steps if step.service in names])
    return names


def put_topology(stack: Stack, statuses: Iterable[ServiceStatus], progress: Progress) -> None:
    """Give every healthy Pub/Sub what is declared: it may have run before that was."""
    wanted = pubsub.declared(stack.plan)
    healthy = (s for s in statuses if s.selected and s.health is Health.HEALTHY)
    ports = [e.port for s in healthy for e in s.service.endpoints if e.probe is ProbeKind.PUBSUB]
    for port in ports if wanted else ():
        try:
            for line in topology.ensure(LOOPBACK, port, wanted):
                progress.note(f"Pub/Sub: {line}")
        except topology.TopologyError as error:
            progress.note(f"warning: {error}")


def _let_notice(stack: Stack, started: Collection[str]) -> None:
    """Wait a moment for those that need what was started: they ask for it once a second."""
    needing = waves.needing(stack.plan, started) & {*selected(stack)}
    deadline = time.monotonic() + NOTICE_S
    while needing and time.monotonic() < deadline:
        rows = [s for s in look(stack) if s.id in needing and s.running.state is State.RUNNING]
        if all(s.health is Health.HEALTHY or s.blocked_by for s in rows):
            return
        time.sleep(WAIT_INTERVAL_S)


def left_out(stack: Stack, wanted: Plan, steps: Sequence[Step], progress: Progress) -> set[str]:
    """Return the helpers that cannot start: none of them holds a service up.

    Says which and why, and which do not have the port that people expect.
    """
    if wanted.ids == stack.plan.ids:
        for name, why in stack.plan.absent.items():
            progress.note(f"{name} is left out: {why}")
    starting = [s.service for s in steps if s.action in STARTING]
    helpers = [s.id for s in wanted.services if s.is_helper and s.id in starting]
    conflicts = port_conflicts(stack, helpers)
    for conflict in conflicts:
        progress.note(f"{conflict.service} is left out: {' '.join(str(conflict).split())}")
    left = {conflict.service for conflict in conflicts}
    for line in (line for name in wanted.ids if name not in left for line in wanted[name].moved):
        progress.note(line)
    return left


def prepare(stack: Stack, steps: Sequence[Step]) -> None:
    """Check the ports of what is to start, and write what will run. Starts no service."""
    check_ports(stack, [s.service for s in steps if s.action in STARTING])
    stack.workspace.prepare()
    stack.workspace.write_render(stack.desired().artifacts)


def refresh_gateway(stack: Stack) -> tuple[str, ...]:
    """Write anew what the gateway watches; return what changed. A stack that is down has none.

    Where services are comes before what leads there: a route to nowhere would be an error.
    """
    if not (stack.workspace.render / GATEWAY_FOLDER).is_dir():
        return ()
    place = stack.workspace
    wanted = [a for a in stack.desired().artifacts if a.path.startswith(GATEWAY_FOLDER)]
    changed = [a for a in wanted if write(place.render / a.path, a.text.encode())]
    if changed:
        place.note_render(changed, place.noted_render())
    return tuple(a.path for a in changed)


def dry_run(stack: Stack, wanted: Plan, *, again: Collection[str] = ()) -> tuple[Step, ...]:
    """Return what ``up`` would do, and why. Changes nothing."""
    desired = stack.desired().specs
    return reconcile.steps(wanted, desired, observe(stack), again=again)


def act(stack: Stack, steps: Sequence[Step]) -> None:
    """Carry the steps out; returns before anything is healthy."""
    todo = {action: [s.service for s in steps if s.action is action] for action in Action}
    if any(names for action, names in todo.items() if action is not Action.KEEP):
        stack.runtime.apply(todo[Action.START], todo[Action.RESTART])


def check_ports(stack: Stack, starting: Sequence[str]) -> None:
    """Refuse to start when somebody else holds a port. Raises MachineError with every holder."""
    portcheck.refuse(port_conflicts(stack, starting))


def port_conflicts(stack: Stack, services: Sequence[str]) -> list[Conflict]:
    """Return every port of ``services`` that somebody else holds."""
    return portcheck.conflicts(stack.plan, services, lambda: observe(stack))


def observe(stack: Stack) -> Observed:
    """Take one snapshot of the runtime."""
    ports = {s.id: [e.listen for e in s.endpoints] for s in stack.plan.services}
    return stack.runtime.observe(ports)


def look(stack: Stack, *, chosen: Sequence[str] | None = None) -> tuple[ServiceStatus, ...]:
    """Observe and probe everything once."""
    chosen = selected(stack) if chosen is None else chosen
    probes = asyncio.run(_probe(stack.plan, [e.port for e in stack.plan.endpoints]))
    return status.assess(stack.plan, observe(stack), probes, chosen)


async def _probe(plan: Plan, ports: Iterable[int]) -> dict[int, ProbeResult]:
    asked = set(ports)
    endpoints = [e for e in plan.endpoints if e.port in asked]
    targets = [target_of(endpoint, plan.settings) for endpoint in endpoints]
    results = await probe_all(targets, timeout_s=PROBE_TIMEOUT_S)
    return {e.port: result for e, result in zip(endpoints, results, strict=True)}


def wait_for(
    stack: Stack, name: str, *, healthy: bool, deadline: float
) -> tuple[ServiceStatus, bool]:
    """Wait until ``name`` is healthy, or down. Returns its last status and whether it came so."""
    while True:
        found = next(s for s in look(stack) if s.id == name)
        reached = found.health is (Health.HEALTHY if healthy else Health.DOWN)
        if reached or time.monotonic() >= deadline:
            return found, reached
        time.sleep(WAIT_INTERVAL_S)


def selected(stack: Stack) -> tuple[str, ...]:
    """Return what ``up`` last selected; everything when it has not run since ``down``."""
    return selection.of(stack.workspace, stack.plan)


def down(
    workspace: Workspace,
    runtimes: Iterable[Runtime],
    tell: Callable[[str], None],
    *,
    volumes: bool = False,
) -> None:
    """End everything of this checkout, also what a killed supervisor left. Data stays, unless
    ``volumes``.

    Works from what was recorded, whatever the settings say by now. One that cannot be asked holds
    up no other; its error comes at the end.
    """
    found = [*runtimes]
    if volumes:  # the first deletes what lies in .alfred, which containers of the others mount
        found.reverse()
    with ThreadPoolExecutor(1 if volumes else None) as pool:  # each takes a second or two
        ending = [pool.submit(runtime.down, volumes=volumes) for runtime in found]
    selection.forget(workspace)
    for cleaned in [ended.result() for ended in ending]:
        if cleaned:
            tell(f"ended what a killed supervisor had left behind: {', '.join(cleaned)}")
