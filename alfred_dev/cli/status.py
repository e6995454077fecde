"""status (alias ps) and wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options

if TYPE_CHECKING:
    from alfred_dev.stack import Stack

WATCH_INTERVAL_S = 1.0


class Goal(StrEnum):
    """What ``wait`` waits for."""

    HEALTHY = "healthy"
    DOWN = "down"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("status")(status)
    app.command("ps", hidden=True)(status)
    app.command("wait")(wait)


def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it until Ctrl-C.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what exactly each service runs.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 when something that should run is ill.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show every service: health, where it comes from, URLs."""
    from alfred_dev import lifecycle, remarks
    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json
    from alfred_dev.report import tunnels
    from alfred_dev.status import all_well
    from alfred_dev.tunnel import state as tunnel_state

    stack = session.stack(ctx)
    if watch:
        return _watch(stack, as_json=as_json)
    began = time.monotonic()
    statuses = lifecycle.look(stack)
    shown = list(tunnel_state.live(stack.workspace.home, time.time()).values())
    notes = remarks.notes(stack, statuses)
    if as_json:
        duration_s = time.monotonic() - began
        document = report_json.status(stack.plan, statuses, duration_s=duration_s, notes=notes)
        report_json.emit({**document, "tunnels": tunnels.rows(shown)})
    else:
        from alfred_dev.report import text

        text.print_status(stack.plan, statuses)
        if verbose:
            text.print_sources(statuses)
        for line in tunnels.lines(shown, now=time.time()):
            print(line)
        for line in notes:
            session.note(line)
    if exit_code and not all_well(statuses):
        raise typer.Exit(1)
    return None


def _watch(stack: Stack, *, as_json: bool) -> None:
    from rich.console import Group
    from rich.live import Live

    from alfred_dev import lifecycle
    from alfred_dev.report import json as report_json
    from alfred_dev.report import text

    if as_json:
        while True:
            report_json.emit(report_json.status(stack.plan, lifecycle.look(stack)))
            time.sleep(WATCH_INTERVAL_S)
    out = text.console()
    meter = _Meter()
    with Live(console=out, auto_refresh=False, screen=out.is_terminal) as live:
        while True:
            statuses = lifecycle.look(stack)
            uses = meter.uses({s.id: s.running.pid for s in statuses if s.running.pid})
            parts = text.status_renderables(out, stack.plan, statuses, uses)
            live.update(Group(*parts), refresh=True)
            time.sleep(WATCH_INTERVAL_S)


class _Meter:
    """What services use, from look to look."""

    def __init__(self) -> None:
        self.at, self.cpu_s = 0.0, dict[int, float]()

    def uses(self, pids: Mapping[str, int]) -> dict[str, str]:
        """Return processor time since the last look, and memory, in words."""
        from alfred_dev.host import usage

        now, found = time.monotonic(), usage.of_trees(pids.values())
        before, passed = self.cpu_s, now - self.at
        self.at, self.cpu_s = now, {pid: used.cpu_s for pid, used in found.items()}
        said = {}
        for name, pid in pids.items():
            if pid in found:
                spent = found[pid].cpu_s - before.get(pid, found[pid].cpu_s)
                said[name] = f"{100 * spent / passed:3.0f} % {found[pid].memory / 1e6:4.0f} MB"
        return said


def _advice(name: str, goal: Goal, health: str) -> str:
    if goal is Goal.DOWN:
        return f"alfred-dev stop {name}"
    return f"alfred-dev up {name}" if health == "down" else f"alfred-dev logs {name}"


def wait(
    ctx: typer.Context,
    service: options.Service,
    goal: Annotated[Goal, typer.Option("--for", help="What to wait for.")] = Goal.HEALTHY,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, max=99_999)
    ] = 60.0,
    as_json: options.Json = False,
) -> None:
    """Wait until SERVICE is healthy, or down. Exit 4 when time runs out."""
    from alfred_dev import lifecycle
    from alfred_dev.cli import session
    from alfred_dev.errors import WaitTimeoutError
    from alfred_dev.plan import resolve_name
    from alfred_dev.report import json as report_json

    stack = session.stack(ctx)
    name = resolve_name(stack.plan, service)
    options.finite(timeout)
    began = time.monotonic()
    found, reached = lifecycle.wait_for(
        stack, name, healthy=goal is Goal.HEALTHY, deadline=began + timeout
    )
    if not reached:
        raise WaitTimeoutError(
            "wait-timeout",
            f"{name} is not {goal} after {timeout:g} s",
            cause=f"it is {found.health}" + (f": {found.detail}" if found.detail else ""),
            fix=[_advice(name, goal, found.health)],
        )
    duration_s = time.monotonic() - began
    if as_json:
        report_json.emit(
            report_json.status(stack.plan, [found], command="wait", duration_s=duration_s)
        )
    else:
        print(f"{name} is {goal} after {duration_s:.1f} s")
