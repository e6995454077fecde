"""The command line: builds the app, and turns every error into a message and an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException
from typer.main import get_command_name
from typer.models import CommandInfo, TyperInfo

from alfred_dev import __version__
from alfred_dev.cli import (
    certs,
    config,
    dashboard,
    doctor,
    flow,
    identity,
    lint,
    logs,
    names,
    options,
    render,
    report,
    setup,
    stack,
    status,
    tools,
    tunnel,
)
from alfred_dev.errors import AlfredError, MachineError, UsageError
from alfred_dev.report import command

INTERRUPTED = 130  # what a shell reports for SIGINT
BROKEN_PIPE = 141  # what a shell reports for SIGPIPE
ISSUES = "this is a mistake in alfred-dev"

app = typer.Typer(
    name="alfred-dev",
    help="The Alfred Agent Platform on your machine: 17 services, 19 ports, one command.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        python = ".".join(map(str, sys.version_info[:3]))
        print(f"alfred-dev {__version__} (Python {python})")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    env_file: Annotated[
        str | None, typer.Option("--env-file", metavar="FILE", help="Read FILE before .env.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, for this command alone."),
    ] = None,
) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
    ctx.obj = options.Globals(env_file=env_file, flags=options.assignments(settings or ()))


for module in (
    stack,
    status,
    logs,
    tools,
    config,
    render,
    doctor,
    flow,
    lint,
    setup,
    certs,
    names,
    tunnel,
    identity,
    dashboard,
    report,
):
    module.register(app)


def main() -> NoReturn:
    """Run the command line and end the process with the contract's exit code."""
    command.called(os.environ.get("ALFRED_DEV_CALLED") or command.NAME)
    as_json = "--json" in sys.argv[1:]
    keep_only(app, sys.argv[1:])
    try:
        code = app(standalone_mode=False, prog_name=command.NAME)
        sys.stdout.flush()
    except AlfredError as error:
        code = _say(error, as_json=as_json)
    except TyperException as error:
        code = _say(_usage(error), as_json=as_json)
    except typer.Abort:
        code = INTERRUPTED
        sys.unraisablehook = _overlooked
    except BrokenPipeError:
        code = BROKEN_PIPE
    except SystemExit:  # typer ends the process itself when nobody reads its output
        code = BROKEN_PIPE
    except Exception as error:  # the last line of defence: no traceback reaches a user
        if "ALFRED_DEV_TRACEBACK" in os.environ:
            raise
        code = _say(_mistake(error), as_json=as_json)
    sys.exit(_flushed(code if isinstance(code, int) else 0))


def _overlooked(_: object) -> None:
    """Say nothing of what cannot be ended in order, because Ctrl-C met it while it was made.

    Python forgets it when the interruption is over, and would show a traceback then.
    """


def keep_only(app: typer.Typer, words: Collection[str]) -> None:
    """Drop the commands that nobody named, where one was: typer takes 1 ms to read each."""
    if commands(app) & {*words}:
        app.registered_commands = [c for c in app.registered_commands if _name(c) in words]
        app.registered_groups = [g for g in app.registered_groups if _name(g) in words]


def commands(app: typer.Typer) -> set[str]:
    """Return what can be typed after the program's name."""
    return {*map(_name, app.registered_commands), *map(_name, app.registered_groups)}


def _name(registered: CommandInfo | TyperInfo) -> str:
    if isinstance(registered, TyperInfo):
        return str(registered.typer_instance.info.name) if registered.typer_instance else ""
    return registered.name or get_command_name(getattr(registered.callback, "__name__", ""))


def _flushed(code: int) -> int:
    """Return the exit code; what nobody reads any more, or a full disk refuses, is dropped."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE if isinstance(error, BrokenPipeError) else 1
    return code


def _usage(error: TyperException) -> AlfredError:
    message = error.format_message()
    fix = [f"alfred-dev {_command(sys.argv)}--help"]
    return UsageError("usage", "that is not understood", cause=message.rstrip("."), fix=fix)


def _command(argv: list[str]) -> str:
    return next((f"{word} " for word in argv[1:] if word in commands(app)), "")


def _mistake(error: Exception) -> AlfredError:
    if isinstance(error, ImportError):
        return MachineError(
            "environment-broken",
            "the Python environment is incomplete",
            cause=str(error),
            fix=["rm -rf .venv   (in the clone), then the same command again"],
        )
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
    return AlfredError(
        "internal",
        ISSUES,
        cause=f"{type(error).__name__} at {place}",
        fix=["ALFRED_DEV_TRACEBACK=1 alfred-dev ...   (shows all of it; mind the secrets)"],
    )


def _say(error: AlfredError, *, as_json: bool) -> int:
    if error.exit_code == INTERRUPTED:
        sys.unraisablehook = _overlooked
    try:
        from alfred_dev.report import json as report_json
        from alfred_dev.report import text
    except ImportError:  # the environment is incomplete: say it with what is left
        print(f"error: {error.what}\n  {error.cause}", *error.fix, sep="\n  ", file=sys.stderr)
        return error.exit_code
    if as_json:
        print(json.dumps(report_json.error(error), ensure_ascii=False))
    else:
        text.print_error(error)
    return error.exit_code
