"""up, down, start, stop, restart."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.catalog.model import Profile
from alfred_dev.cli import options
from alfred_dev.errors import InterruptedByUser, MachineError, UsageError

if TYPE_CHECKING:
    from alfred_dev.lifecycle import Progress, Report
    from alfred_dev.plan import Plan, Request
    from alfred_dev.stack import Stack
    from alfred_dev.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (up, down, start, stop, restart):
        app.command()(command)


def up(
    ctx: typer.Context,
    services: options.Services = None,
    profile: Annotated[
        list[Profile] | None, typer.Option("--profile", help="Only this group; may be repeated.")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option("--runtime", help="auto, docker or process. Default: auto.")
    ] = None,
    slot: Annotated[
        str | None,
        typer.Option("--slot", metavar="N|auto", help="Which ports: N shifts all by 10000 x N."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse embedded engines and stand-ins.")
    ] = False,
    build: Annotated[
        bool, typer.Option("--build", help="Docker: make the images that are made here anew.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Docker: ask no registry and no package mirror.")
    ] = False,
    setup: Annotated[
        bool, typer.Option("--setup", help="First names and trust, as `alfred-dev setup` does.")
    ] = False,
    yes: options.Yes = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Docker: go on, and rebuild what is saved in a checkout."),
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for health.")] = False,
    wait_timeout: options.Timeout = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show each step with its cause; change nothing.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Start everything, or services and what they depend on, and wait for health."""
    from alfred_dev import lifecycle
    from alfred_dev.cli import initial, session
    from alfred_dev.cli.choice import Obtaining
    from alfred_dev.plan import Request
    from alfred_dev.planner import narrow

    flags = {
        "ALFRED_RUNTIME": runtime,
        "ALFRED_SLOT": slot,
        "ALFRED_WAIT_TIMEOUT": str(wait_timeout) if wait_timeout else None,
    }
    request = Request(names=tuple(services or ()), profiles=tuple(profile or ()), strict=strict)
    if dry_run:
        return _dry_run(ctx, request, flags, as_json=as_json)
    if setup:
        _setup(yes=yes)

    def bring_up(how: Obtaining) -> tuple[Stack, Report]:
        with session.locked("up"):
            stack = session.stack(
                ctx,
                make_secrets=True,
                flags=flags,
                wants=lambda plan, profiles: narrow(plan, _with_profiles(request, profiles)),
                obtaining=how,
            )
            wanted = narrow(stack.plan, _with_profiles(request, stack.profiles))
            with initial.sql(stack), interruptible(), progress(as_json=as_json) as shown:
                timeout_s = _timeout(stack)
                report = lifecycle.up(stack, wanted, shown, wait=not no_wait, timeout_s=timeout_s)
        return stack, report

    stack, report = bring_up(Obtaining(offline=offline, build=build, yes=yes))
    finish(stack, report, command="up", waited=not no_wait, as_json=as_json)
    if watch:
        from alfred_dev.cli import rebuild

        rebuild.on_save(stack, lambda: bring_up(Obtaining(offline=offline)))
    return None


def down(
    ctx: typer.Context,
    volumes: Annotated[
        bool, typer.Option("--volumes", "-v", help="Delete all data too. Asks first.")
    ] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """End everything. Data stays unless --volumes is given."""
    from alfred_dev import lifecycle
    from alfred_dev.cli import choice, open_tunnels, session
    from alfred_dev.report import json as report_json
    from alfred_dev.runtime import memory

    place = session.workspace()
    if volumes and place.data.is_dir():
        question = f"Delete all data of this checkout ({place.data})?"
        confirm(question, yes=yes, command="alfred-dev down --volumes --yes")
    with session.locked("down"):
        open_tunnels.end_all(place)
        try:
            lifecycle.down(place, choice.every(place, session.note), session.note, volumes=volumes)
        except MachineError as gone:
            if volumes or memory.load(place).mixed or gone.code != "engine-down":
                raise
            session.note(f"containers of earlier could not be looked for: {gone.what}")
    if as_json:
        report_json.emit(report_json.down(deleted_data=volumes))
    else:
        kept = "all data is deleted" if volumes else "data is kept"
        print(f"Everything is down; {kept}.")


def start(
    ctx: typer.Context,
    services: options.Services = None,
    wait_timeout: options.Timeout = None,
    as_json: options.Json = False,
) -> None:
    """Start services (default: all that were up), without what they depend on."""
    _start(ctx, services, wait_timeout, command="start", as_json=as_json)


def restart(
    ctx: typer.Context,
    services: options.Services = None,
    wait_timeout: options.Timeout = None,
    as_json: options.Json = False,
) -> None:
    """Stop services and start them again."""
    _start(ctx, services, wait_timeout, command="restart", as_json=as_json)


def stop(
    ctx: typer.Context, services: options.Services = None, as_json: options.Json = False
) -> None:
    """Stop services; they still count as wanted. ``down`` ends everything."""
    from alfred_dev import lifecycle
    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json

    with session.locked("stop"):
        stack = session.stack(ctx)
        names = _names(stack.workspace, stack.plan, services)
        stack.runtime.stop(names)
    if as_json:
        report_json.emit(report_json.status(stack.plan, lifecycle.look(stack), command="stop"))
    else:
        print(f"Stopped: {', '.join(names)}")


def _start(
    ctx: typer.Context,
    services: list[str] | None,
    wait_timeout: float | None,
    *,
    command: str,
    as_json: bool,
) -> None:
    from alfred_dev import lifecycle
    from alfred_dev.cli import session
    from alfred_dev.plan import only

    flags = {"ALFRED_WAIT_TIMEOUT": str(wait_timeout) if wait_timeout else None}
    with session.locked(command):
        stack = session.stack(
            ctx,
            make_secrets=True,
            flags=flags,
            wants=lambda plan, _: only(plan, _names(session.workspace(), plan, services)),
        )
        wanted = only(stack.plan, _names(stack.workspace, stack.plan, services))
        if command == "restart":
            stack.runtime.stop(wanted.ids)
        with interruptible(), progress(as_json=as_json) as shown:
            again = wanted.ids if command == "restart" else ()
            report = lifecycle.up(stack, wanted, shown, timeout_s=_timeout(stack), again=again)
    finish(stack, report, command=command, waited=True, as_json=as_json)


def _names(place: Workspace, plan: Plan, services: list[str] | None) -> tuple[str, ...]:
    from alfred_dev import selection
    from alfred_dev.plan import resolve_name

    names = tuple(dict.fromkeys(resolve_name(plan, name) for name in services or ()))
    return names or selection.of(place, plan)


def _timeout(stack: Stack) -> float:
    return float(stack.plan.settings["ALFRED_WAIT_TIMEOUT"])  # its form was checked


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C into its message."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedByUser(
            "interrupted",
            "interrupted while waiting",
            cause="what was started goes on running",
            fix=["alfred-dev status", "alfred-dev down"],
        ) from error


@contextlib.contextmanager
def progress(*, as_json: bool) -> Iterator[Progress]:
    """Choose who shows progress: a live table, plain lines, or nobody."""
    from alfred_dev.report import live

    with live.chosen(silent=as_json) as shown:
        yield shown


def finish(stack: Stack, report: Report, *, command: str, waited: bool, as_json: bool) -> None:
    """Print the outcome and end with its exit code."""
    from alfred_dev.report import json as report_json
    from alfred_dev.report import text

    if as_json:
        report_json.emit(
            report_json.status(
                stack.plan,
                report.statuses,
                command=command,
                duration_s=report.duration_s,
                failures=report.failures,
            )
        )
    else:
        text.print_report(stack.plan, report, waited=waited)
    if waited and not report.ok:
        raise typer.Exit(4 if report.timed_out else 1)


def _setup(*, yes: bool) -> None:
    """Do names and trust first. What then is still missing holds nothing up."""
    from alfred_dev.cli import session
    from alfred_dev.cli import setup as cli_setup

    for change in cli_setup.perform(naming=True, trust=True, yes=yes, command="up --setup").left:
        session.note(f"warning: still missing after setup: {change.title}")


def _with_profiles(request: Request, profiles: tuple[Profile, ...]) -> Request:
    """Return the request; where it names nothing, alfred.yaml's profiles are meant."""
    if request.names or request.profiles:
        return request
    return replace(request, profiles=profiles)


def _dry_run(
    ctx: typer.Context, request: Request, flags: Mapping[str, str | None], *, as_json: bool
) -> None:
    from alfred_dev import envfile, lifecycle
    from alfred_dev.cli import session
    from alfred_dev.planner import narrow
    from alfred_dev.report import json as report_json

    stack = session.stack(ctx, flags=flags)
    missing = envfile.missing(stack.workspace, stack.plan.settings)
    steps = lifecycle.dry_run(stack, narrow(stack.plan, _with_profiles(request, stack.profiles)))
    if as_json:
        return report_json.emit(report_json.dry_run(missing, steps))
    for key in missing:
        print(f"make    {key:<22}.env has no value for it")
    for step in steps:
        print(step)
    return None


def confirm(question: str, *, yes: bool, command: str) -> None:
    """Ask; ``command`` answers by itself. Raises UsageError without a terminal, Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty() or "CI" in os.environ:
        raise UsageError(
            "confirmation-needed",
            question.rstrip("?"),
            cause="there is no terminal to ask on",
            fix=[command],
        )
    if not typer.confirm(question):
        raise typer.Abort
