"""ports, env, run, exec, open."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from alfred_dev.cli import options
from alfred_dev.errors import MachineError, UsageError

if TYPE_CHECKING:
    from alfred_dev.engine.command import Docker
    from alfred_dev.plan import PlannedService
    from alfred_dev.stack import Stack
    from alfred_dev.workspace import Workspace

PASS_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


class EnvFormat(StrEnum):
    """How ``env`` prints."""

    DOTENV = "dotenv"
    SHELL = "shell"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(ports)
    app.command()(env)
    app.command("run", context_settings=PASS_ON)(run)
    app.command("exec", context_settings=PASS_ON)(exec_)
    app.command("open")(open_)


def ports(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Report every port that somebody else holds.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of the README.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show the port map."""
    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json

    if check:
        return _check_ports(ctx, as_json=as_json)
    from alfred_dev.report import text

    if markdown:
        print(text.ports_markdown(session.catalog()))
        return None
    plan = session.stack(ctx).plan
    if as_json:
        return report_json.emit(report_json.ports(plan))
    return text.print_ports(plan)


def _check_ports(ctx: typer.Context, *, as_json: bool) -> None:
    from alfred_dev import lifecycle
    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json

    stack = session.stack(ctx)
    ours = {name for name, r in lifecycle.observe(stack).services.items() if r.pid}
    others = [name for name in stack.plan.ids if name not in ours]
    if as_json:
        found = lifecycle.port_conflicts(stack, others)
        report_json.emit(report_json.conflicts(found))
        raise typer.Exit(3 if found else 0)
    lifecycle.check_ports(stack, others)
    print(f"Nobody else holds any of our {len(stack.plan.endpoints)} ports.")


def env(
    ctx: typer.Context,
    form: Annotated[EnvFormat, typer.Option("--format", help="How to print.")] = EnvFormat.DOTENV,
    as_json: options.Json = False,
) -> None:
    """Print the endpoints as a process on this machine must use them, passwords included."""
    import shlex

    from alfred_dev.cli import authority, session
    from alfred_dev.report import json as report_json

    values = authority.environment(session.stack(ctx))
    if as_json:
        return report_json.emit(report_json.environment(values))
    if form is EnvFormat.JSON:
        return report_json.emit(values)
    for key, value in sorted(values.items()):
        if form is EnvFormat.SHELL:
            print(f"export {key}={shlex.quote(value)}")
        else:
            print(f"{key}={dotenv_quoted(value)}")
    return None


def dotenv_quoted(value: str) -> str:
    """Return ``value`` as .env files write it."""
    if all(c.isalnum() or c in "._~-%:/@?=&+," for c in value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def run(
    ctx: typer.Context,
    command: Annotated[str, typer.Argument(metavar="-- COMMAND [ARG]...")],
) -> None:
    """Run a command of this machine with the endpoints in its environment (see env)."""
    from alfred_dev.cli import authority, session

    stack = session.stack(ctx)
    become([command, *ctx.args], authority.environment(stack))


def exec_(
    ctx: typer.Context,
    service: options.Service,
    command: Annotated[str, typer.Argument(metavar="COMMAND [ARG]...")],
) -> None:
    """Run a command as SERVICE sees the world: `exec db-postgres psql` asks no password."""
    from alfred_dev.cli import session
    from alfred_dev.embedded import engines
    from alfred_dev.plan import resolve_name

    stack = session.stack(ctx)
    planned = stack.plan[resolve_name(stack.plan, service)]
    argv = ctx.args if command == "--" and ctx.args else [command, *ctx.args]
    if planned.contained:
        _exec_in_container(stack, planned, argv)
    values = {**planned.environment, **planned.client}
    programs = engines.client_bin(planned.id)
    if programs is not None:
        values["PATH"] = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    become(argv, values)


def _exec_in_container(stack: Stack, planned: PlannedService, argv: list[str]) -> NoReturn:
    """Become ``docker exec``: the container has its own variables, a client's are added.

    Values go by the environment: on the command line there are names alone.
    """
    from alfred_dev.planner import fill

    docker, container = _container_of(stack.workspace, planned.id)
    here = {"host": "127.0.0.1", "port": str(planned.endpoints[0].container_port)}
    setting = stack.plan.settings.__getitem__
    client = {k: fill(v, here, setting) for k, v in planned.definition.client.items()}
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    names = [word for name in client for word in ("--env", name)]
    command = [docker.program, "exec", "--interactive", *terminal, *names, container, *argv]
    sys.stdout.flush()
    os.execve(command[0], command, docker.variables(client))  # noqa: S606 - no shell is involved


def _container_of(place: Workspace, service: str) -> tuple[Docker, str]:
    """Return the running container of a service. Raises UsageError when there is none."""
    from alfred_dev.cli import choice, session
    from alfred_dev.runtime.containers import service_of

    for runtime in choice.of(place, session.note):
        for listed in runtime.listed():
            if service_of(listed) == service and listed["State"] == "running":
                return runtime.docker, str(listed["Id"])
    raise UsageError(
        "not-running",
        f"nothing can be run in {service}",
        cause="its container does not run",
        fix=[f"alfred-dev up {service}"],
    )


def become(argv: list[str], values: Mapping[str, str]) -> NoReturn:
    """Replace this process by ``argv``: its exit code and signals are the command's own."""
    merged = {**os.environ, **values}
    program = shutil.which(argv[0], path=merged.get("PATH"))
    if program is None:
        raise MachineError(
            "command-not-found",
            f"{argv[0]} cannot be run",
            cause="there is no such program on PATH",
            fix=[f"install it, or give its path instead of {argv[0]}"],
        )
    sys.stdout.flush()
    os.execvpe(program, argv, merged)  # noqa: S606 - no shell is involved


def open_(
    service: Annotated[
        str,
        typer.Argument(metavar="[SERVICE]", autocompletion=options.services),
    ] = "ui-chat",
) -> None:
    """Open a service's page in the browser (default: ui-chat)."""
    import webbrowser

    from alfred_dev.catalog.model import ProbeKind
    from alfred_dev.cli import session
    from alfred_dev.plan import resolve_name

    stack = session.stack()
    planned = stack.plan[resolve_name(stack.plan, service)]
    page = next((e for e in planned.endpoints if e.probe is ProbeKind.HTTP), None)
    if page is None:
        raise UsageError(
            "no-page",
            f"{planned.id} has no page to open",
            cause=f"it speaks {planned.endpoints[0].protocol}",
            fix=["alfred-dev env   (its address for a client)"],
        )
    if not webbrowser.open(page.url):
        session.note("no browser could be started; the address is")
    print(page.url)
