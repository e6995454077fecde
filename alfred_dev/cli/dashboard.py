"""dashboard, and the hidden command that is its server."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alfred_dev.cli import options
from alfred_dev.errors import MachineError

if TYPE_CHECKING:
    from alfred_dev.stack import Stack

DASHBOARD = "dashboard"
TIMEOUT_S = 5.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(DASHBOARD)(dashboard)
    app.command("dashboard-server", hidden=True)(serve)


def dashboard(
    ctx: typer.Context,
    no_open: Annotated[bool, typer.Option("--no-open", help="Only print the address.")] = False,
    as_json: options.Json = False,
) -> None:
    """Open the live page of the whole stack in the browser."""
    import webbrowser

    from alfred_dev.cli import session
    from alfred_dev.report import json as report_json

    url = _url(session.stack(ctx))
    if as_json:
        report_json.emit({"schema": report_json.schema(DASHBOARD), "url": url})
    if not no_open and not as_json and not webbrowser.open(url):
        session.note("no browser could be started; the address is")
    if not as_json:
        print(url)


def _url(stack: Stack) -> str:
    """Return an address that lets a browser in, once. Raises MachineError: it does not run."""
    import http.client

    from alfred_dev.dashboard.run import secret_of
    from alfred_dev.plan import LOOPBACK

    if DASHBOARD not in stack.plan.ids:
        raise _not_there(stack.plan.absent.get(DASHBOARD, "it is no part of this stack"))
    port = stack.plan[DASHBOARD].endpoints[0].port
    asking = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    headers = {"authorization": f"Bearer {secret_of(stack.workspace)}"}
    try:
        asking.request("POST", "/api/code", headers=headers)
        answer = asking.getresponse()
        code = json.loads(answer.read())["code"]
    except (OSError, http.client.HTTPException) as error:
        raise _not_there(f"nobody answers on port {port}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _not_there(f"what answers on port {port} is not this checkout's dashboard") from error
    finally:
        asking.close()
    return f"http://{LOOPBACK}:{port}/#{code}"


def _not_there(cause: str) -> MachineError:
    return MachineError(
        "dashboard-down", "the dashboard does not run", cause=cause, fix=["alfred-dev up"]
    )


def serve() -> None:
    """Serve the dashboard of this checkout: what ``up`` starts."""
    from alfred_dev.cli import session
    from alfred_dev.dashboard.run import run
    from alfred_dev.dashboard.server import Deeds

    async def restart(name: str) -> Mapping[str, Any]:
        return await _command("restart", name)

    async def doctor() -> Mapping[str, Any]:
        return await _command("doctor")

    async def flow() -> Mapping[str, Any]:
        return await _command("flow", "api", "-n", "20")

    run(session.stack, Deeds(restart=restart, doctor=doctor, flow=flow), _authority)


def _authority(stack: Stack) -> Path:
    from alfred_dev.cli import authority
    from alfred_dev.projectfile import loaded

    return authority.store(stack.workspace, loaded(stack.workspace).project).ca_certificate


async def _command(*arguments: str) -> Mapping[str, Any]:
    """Run a command as the user would; return its document."""
    import asyncio

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alfred_dev", *arguments, "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    try:
        found = json.loads(said)
    except ValueError:
        found = {"ok": False, "error": {"what": f"{arguments[0]} said nothing that is understood"}}
    return found if isinstance(found, dict) else {}
