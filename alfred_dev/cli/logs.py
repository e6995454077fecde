"""logs: merged by time, a colour a service, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.logs import Level

if TYPE_CHECKING:
    from alfred_dev.logs import Line

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "red")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("logs")(logs)


def logs(
    ctx: typer.Context,
    services: options.Services = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="10m, 2h, or an ISO time.")
    ] = None,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", metavar="N", min=0, help="Last N lines of each.")
    ] = None,
    level: Annotated[
        Level | None, typer.Option("--level", "-l", help="Only lines as grave as this, or more.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", "-t", metavar="TEXT", help="Only lines with this.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Show what services have logged."""
    from alfred_dev import logs as lines
    from alfred_dev.cli import session
    from alfred_dev.plan import resolve_name

    stack = session.stack(ctx)
    names = [resolve_name(stack.plan, s) for s in services or ()] or list(stack.plan.ids)
    begin = lines.parse_since(since, datetime.now(UTC)) if since else None
    printer = _Printer(stack.plan.ids, stack.plan.secrets, as_json=as_json)
    followed = stack.runtime.follow(names) if follow else ()
    said = lines.merged(stack.runtime.logs(names), since=begin)
    found = lines.chosen(said, level=level, text=text)
    printer.show(lines.last_of_each(found, tail))
    for new in followed:
        printer.show(lines.chosen(lines.merged(new), level=level, text=text))


class _Printer:
    """Prints lines; a service keeps its colour from call to call."""

    def __init__(self, ids: Iterable[str], secrets: frozenset[str], *, as_json: bool) -> None:
        from alfred_dev.report.text import console

        self.ids = list(ids)
        self.width = max(len(name) for name in self.ids)
        self.secrets = secrets
        self.as_json = as_json
        self.out = console()

    def show(self, lines: Iterable[Line]) -> None:
        from rich.text import Text

        from alfred_dev.settings import masked

        for line in lines:
            message = masked(line.message, self.secrets)
            if self.as_json:
                at = line.at.isoformat(timespec="milliseconds")
                document = {"ts": at, "service": line.service, "message": message}
                print(json.dumps(document, ensure_ascii=False), flush=True)
            else:
                colour = COLOURS[self.ids.index(line.service) % len(COLOURS)]
                head = Text(f"{line.service:<{self.width}} | ", style=colour)
                stamp = Text(f"{line.at.astimezone():%H:%M:%S} ", style="dim")
                self.out.print(head + stamp + Text.from_ansi(message), soft_wrap=True)
