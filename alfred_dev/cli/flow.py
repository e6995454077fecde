"""flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options

if TYPE_CHECKING:
    from alfred_dev.flow.model import Flow, Outcome

COUNT = 20
TIMEOUT_S = 15.0


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
    outcome = _outcome(ctx, Flow(which), count, timeout, as_json=as_json)
    if as_json:
        report_json.emit(report.document(outcome))
    else:
        report.print_outcome(outcome)
    if not outcome.ok:
        raise typer.Exit(1)


def _outcome(
    ctx: typer.Context, which: Flow, count: int, timeout_s: float, *, as_json: bool
) -> Outcome:
    import asyncio

    from alfred_dev.cli import session
    from alfred_dev.flow import send
    from alfred_dev.flow.entry import entry
    from alfred_dev.flow.model import judge
    from alfred_dev.report import live

    way = entry(session.stack(ctx).plan)
    with live.counted(f"flow {which}", count, silent=as_json) as tell:
        trips = asyncio.run(send.send(which, way, count, timeout_s=timeout_s, tell=tell))
    return judge(which, way.through, trips)
