"""flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options

if TYPE_CHECKING:
    from alfred_dev.flow.model import Entry, Flow, Outcome

COUNT = 20
TIMEOUT_S = 15.0
TOKEN_S = 3600


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(flow)


def flow(
    ctx: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="[api|events]", help="One request, or all it sets off.")
    ] = "events",
    count: Annotated[
        int, typer.Option("-n", "--count", metavar="N", min=1, max=10_000, help="How many.")
    ] = COUNT,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=0.1, max=600, help="For each of them."),
    ] = TIMEOUT_S,
    direct: Annotated[
        bool, typer.Option("--direct", help="To agent-core's port, not through the gateway.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Send real requests through the platform and time every hop; exit 1 if one breaks."""
    from alfred_dev.errors import UsageError
    from alfred_dev.flow.model import Flow
    from alfred_dev.report import flow as report
    from alfred_dev.report import json as report_json

    if which not in tuple(Flow):
        raise UsageError(
            "usage",
            f"there is no flow {which}",
            cause=f"known are {' and '.join(Flow)}",
            fix=["alfred-dev flow events"],
        )
    options.finite(timeout)
    way = _entry(ctx, direct=direct)
    outcome = _outcome(way, Flow(which), count, timeout, as_json=as_json)
    if as_json:
        report_json.emit(report.document(outcome))
    else:
        report.print_outcome(outcome)
    if not outcome.ok:
        raise typer.Exit(1)


def _entry(ctx: typer.Context, *, direct: bool) -> Entry:
    """Return the way in: through the gateway where it runs."""
    import time

    from alfred_dev import gatekeeper, lifecycle
    from alfred_dev.cli import authority, session
    from alfred_dev.flow import entry
    from alfred_dev.identity import tokens
    from alfred_dev.projectfile import loaded

    stack = session.stack(ctx)
    running = lifecycle.observe(stack).services.get(entry.GATEWAY)
    if direct or running is None or not running.pid:
        return entry.direct(stack.plan)
    token = tokens.mint(
        tokens.Subject(user="alfred-dev-flow", role="user", scope="api"),
        gatekeeper.identity(stack.workspace).ensure(time.time()),
        issuer=stack.plan.issuer,
        now=time.time(),
        ttl_s=TOKEN_S,
    )
    store = authority.store(stack.workspace, loaded(stack.workspace).project)
    return entry.through_gateway(stack.plan, token=token.text, ca=str(store.ca_certificate))


def _outcome(way: Entry, which: Flow, count: int, timeout_s: float, *, as_json: bool) -> Outcome:
    import asyncio

    from alfred_dev.flow import send
    from alfred_dev.flow.model import judge
    from alfred_dev.report import live

    with live.counted(f"flow {which}", count, silent=as_json) as tell:
        trips = asyncio.run(send.send(which, way, count, timeout_s=timeout_s, tell=tell))
    return judge(which, way.through, trips)
