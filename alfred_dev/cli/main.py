"""The command line: builds the app, and turns every error into a message and an exit code."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from alfred_dev import __version__
from alfred_dev.cli import config, logs, options, render, stack, status, tools
from alfred_dev.errors import AlfredError, UsageError

ISSUES = "this is a mistake in alfred-dev"

app = typer.Typer(
    name="alfred-dev",
    help="The Alfred Agent Platform on your machine: 17 services, 19 ports, one command.",
    no_args_is_help=True,
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
    ctx.obj = options.Globals(env_file=env_file, flags=options.assignments(settings or ()))


for module in (stack, status, logs, tools, config, render):
    module.register(app)


def main() -> NoReturn:
    """Run the command line and end the process with the contract's exit code."""
    as_json = "--json" in sys.argv[1:]
    debug = "ALFRED_DEV_TRACEBACK" in os.environ
    try:
        code = app(standalone_mode=False)
    except AlfredError as error:
        code = _say(error, as_json=as_json)
    except TyperException as error:
        code = _say(_usage(error), as_json=as_json)
    except typer.Abort:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141  # what a shell reports for SIGPIPE
    except Exception as error:  # the last line of defence: no traceback reaches a user
        if debug:
            raise
        code = _say(_mistake(error), as_json=as_json)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: TyperException) -> AlfredError:
    message = error.format_message()
    fix = [f"alfred-dev {_command(sys.argv)}--help".replace("  ", " ")]
    return UsageError("usage", "that is not understood", cause=message.rstrip("."), fix=fix)


def _command(argv: list[str]) -> str:
    known = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    }
    return next((f"{word} " for word in argv[1:] if word in known), "")


def _mistake(error: Exception) -> AlfredError:
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
    from alfred_dev.report import json as report_json
    from alfred_dev.report import text

    if as_json:
        print(json.dumps(report_json.error(error), ensure_ascii=False))
    else:
        text.print_error(error)
    return error.exit_code
