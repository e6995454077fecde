"""Text for people. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alfred_dev.catalog.model import Catalog
from alfred_dev.errors import AlfredError
from alfred_dev.failure import Failure
from alfred_dev.plan import Plan, SourceKind
from alfred_dev.report.command import typed
from alfred_dev.status import Health, ServiceStatus

if TYPE_CHECKING:
    from alfred_dev.lifecycle import Report

STYLES = {
    Health.HEALTHY: "green",
    Health.STARTING: "yellow",
    Health.UNHEALTHY: "bold red",
    Health.DOWN: "dim",
}
# Below this width a table would cut URLs; each service gets lines of its own instead.
NARROW = 78
# What people call by a service's name, not by its own port; `status` shows it.
BEHIND = ("gateway", "identity")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the one place that ends the process."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console that honours NO_COLOR and TERM=dumb, and never breaks a URL off a TTY."""
    made = _Console(stderr=stderr, highlight=False, markup=False)
    if not made.is_terminal and not made.options.ascii_only:
        made.width = max(made.width, 160) if "COLUMNS" not in made._environ else made.width
    return made


def print_error(error: AlfredError) -> None:
    """Say what happened, the cause, and what to type."""
    out = console(stderr=True)
    out.print(Text("error: ", style="bold red") + Text(error.what), soft_wrap=True)
    for line in error.cause.splitlines():
        out.print(f"  {line}", soft_wrap=True)
    _print_fix(out, error.fix)


def _print_fix(out: Console, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines):
        label = "  fix: " if number == 0 else "       "
        out.print(Text(label, style="bold") + Text(typed(line)), soft_wrap=True)


def print_report(plan: Plan, report: Report, *, waited: bool) -> None:
    """Print the outcome of up, start or restart."""
    if report.ok or not waited:
        print_urls(plan, report, waited=waited)
    else:
        print_failures(report)


def print_urls(plan: Plan, report: Report, *, waited: bool) -> None:
    """Print every URL of what was selected; each of them answers."""
    out = console()
    chosen = [s for s in report.statuses if s.selected]
    rows = [(e, s) for s in chosen if s.id not in BEHIND for e in s.endpoints]
    rows.sort(key=lambda pair: pair[0].endpoint.row)
    table = _table(out, "SERVICE", "URL", "FROM")
    for endpoint, status in rows:
        source = status.service.source
        _row(out, table, endpoint.endpoint.title, endpoint.endpoint.url, source.kind)
    if out.width >= NARROW:
        _print(out, table)
    # Helpers stand beside the platform; where they are all there is, they are what was asked for.
    counted = [s for s in chosen if not s.service.is_helper] or chosen
    well = [s for s in counted if s.health is Health.HEALTHY]
    ports = sum(len(s.endpoints) for s in well)
    said = f"{_many(len(well), 'service')}, {_many(ports, 'port')}"
    if waited:
        out.print(Text(f"{said} healthy after {report.duration_s:.1f} s", style="bold green"))
    else:
        every = sum(len(s.endpoints) for s in counted)
        started = f"{_many(len(counted), 'service')}, {_many(every, 'port')}"
        out.print(typed(f"{started} started, health not awaited: alfred-dev status"))
    _print_door(out, plan, chosen)
    _print_developers(out, chosen)
    left = [s.id for s in report.statuses if not s.selected and s.health is Health.DOWN]
    if left:
        out.print(f"not selected, not running: {', '.join(left)}", soft_wrap=True)
    out.print(
        f"runtime {plan.runtime}, slot {plan.slot}; passwords are in .env; "
        + typed("next: alfred-dev status | logs -f | down"),
        soft_wrap=True,
    )


def _print_door(out: Console, plan: Plan, chosen: Sequence[ServiceStatus]) -> None:
    """Say under which names a browser finds it."""
    if any(s.id == "gateway" and s.health is Health.HEALTHY for s in chosen):
        urls = [plan.web_url(f"{label}.{plan.domain}") for label in ("ui", "admin", "api")]
        out.print(f"by name: {' '.join(urls)}", soft_wrap=True)


def _print_developers(out: Console, chosen: Sequence[ServiceStatus]) -> None:
    """Say what is the developer's own to run, and who waits for it."""
    for status in chosen:
        if status.service.by_developer and status.health is not Health.HEALTHY:
            waiting = [s.id for s in chosen if status.id in s.blocked_by]
            wait = f"; {', '.join(waiting)} wait for it" if waiting else ""
            port = status.endpoints[0].endpoint.port
            out.print(
                f"{status.id} is yours to run on port {port}, and does not answer yet{wait}",
                soft_wrap=True,
            )


def print_failures(report: Report) -> None:
    """Print each root cause with its evidence; what waits for it is named as blocked."""
    out = console(stderr=True)
    chosen = [s for s in report.statuses if s.selected and not s.service.is_helper]
    well = sum(s.health is Health.HEALTHY for s in chosen)
    end = "time ran out" if report.timed_out else "something is broken"
    out.print(
        Text(f"{end}: {well} of {_many(len(chosen), 'service')} healthy ", style="bold red")
        + Text(f"after {report.duration_s:.1f} s"),
        soft_wrap=True,
    )
    for found in report.failures:
        out.print()
        _print_failure(out, found)
    out.print(typed("\nWhat runs is left as it is: alfred-dev status"), soft_wrap=True)


def _print_failure(out: Console, found: Failure) -> None:
    head = Text(found.service, style="bold red") + Text(f" ({found.kind}): {found.cause}")
    out.print(head, soft_wrap=True)
    for line in found.evidence:
        out.print(Text(f"  | {line}", style="dim"), soft_wrap=True)
    if found.blocks:
        out.print(f"  blocked by it: {', '.join(found.blocks)}", soft_wrap=True)
    _print_fix(out, found.fix)


def print_status(plan: Plan, statuses: Sequence[ServiceStatus]) -> None:
    """Print the table of ``status``."""
    out = console()
    for renderable in status_renderables(out, plan, statuses):
        _print(out, renderable)


def _place(status: ServiceStatus) -> int:
    """Return the place in the port map; what has no port comes last."""
    return status.endpoints[0].endpoint.row if status.endpoints else sys.maxsize


def print_sources(statuses: Sequence[ServiceStatus]) -> None:
    """Print a line a service: what exactly runs."""
    out = console()
    for status in sorted(statuses, key=_place):
        out.print(f"{status.id}: {status.service.source.detail}", soft_wrap=True)


def _print(out: Console, renderable: Table | Text) -> None:
    """Print a table, in a pipe without the spaces that pad its last column."""
    if out.is_terminal:
        out.print(renderable, soft_wrap=out.width < NARROW)
        return
    with out.capture() as captured:
        out.print(renderable, soft_wrap=out.width < NARROW)
    out.print("\n".join(line.rstrip() for line in captured.get().splitlines()), soft_wrap=True)


def status_renderables(
    out: Console,
    plan: Plan,
    statuses: Sequence[ServiceStatus],
    uses: Mapping[str, str] | None = None,
) -> list[Table | Text]:
    """Return the table of ``status`` and its closing line; ``uses``: what each service uses."""
    wide = out.width >= NARROW
    table = _table(out, "SERVICE", "HEALTH", *([] if uses is None else ["USES"]), "FROM", "URL")
    narrow = Text()
    for status in sorted(statuses, key=_place):
        health = _health(status)
        lines = [_endpoint_line(e.endpoint.url, e.latency_ms) for e in status.endpoints]
        if wide:
            used = [] if uses is None else [uses.get(status.id, "")]
            table.add_row(status.id, health, *used, _source(status), "\n".join(lines))
        else:
            used_here = f" {uses[status.id]}" if uses and status.id in uses else ""
            narrow += Text(f"{status.id}: ") + health + Text(used_here, style="dim")
            narrow += Text("".join(f"\n  {line}" for line in lines) + "\n")
    chosen = [s for s in statuses if s.selected and not s.service.is_helper]
    well = sum(s.health is Health.HEALTHY for s in chosen)
    done = well == len(chosen)
    closing = Text(
        f"{well} of {_many(len(chosen), 'service')} healthy", style="green" if done else "bold red"
    ) + Text(f" (runtime {plan.runtime}, slot {plan.slot})")
    return [table if wide else narrow, closing]


def _health(status: ServiceStatus) -> Text:
    word = str(status.health)
    if not status.selected and status.health is Health.DOWN:
        word = "not selected"
    text = Text(word, style=STYLES[status.health])
    if status.running.restarts:
        text += Text(f", {_many(status.running.restarts, 'restart')}", style="yellow")
    if status.blocked_by:
        text += Text(f"\nwaits for {', '.join(status.blocked_by)}", style="dim")
    elif status.health in (Health.UNHEALTHY, Health.STARTING) and status.detail:
        text += Text(f"\n{status.detail}", style="dim")
    return text


def _source(status: ServiceStatus) -> str:
    """Return a word and the version; JSON has the whole detail."""
    source = status.service.source
    if source.kind is SourceKind.BINARY:
        return f"{source.kind}: {source.detail.rpartition('/')[2]}"
    if source.kind is SourceKind.EMBEDDED:
        return f"{source.kind}: {source.detail.partition(' (')[0]}"
    return str(source.kind)


def _endpoint_line(url: str, latency_ms: float | None) -> str:
    return url if latency_ms is None else f"{url}  {latency_ms:.0f} ms"


def print_ports(plan: Plan) -> None:
    """Print the port map as this checkout's slot has it."""
    out = console()
    table = _table(out, "SERVICE", "PORT", "PROTOCOL", "ID", "NOTES")
    endpoints = (e for service in plan.platform for e in service.endpoints)
    for e in sorted(endpoints, key=lambda endpoint: endpoint.row):
        table.add_row(e.title, str(e.port), e.protocol, e.service, e.purpose)
    _print(out, table)


def ports_markdown(catalog: Catalog) -> str:
    """Return the port map as the README has it."""
    lines = [
        "| Service | Port | Protocol | Id | Notes |",
        "|---------|------|----------|----|-------|",
    ]
    lines += [
        f"| {port.title or service.title} | {port.host} | {port.protocol} "
        f"| `{service.id}` | {port.purpose} |"
        for service in catalog.services.values()
        for port in service.ports
    ]
    return "\n".join(lines)


def _table(out: Console, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("SERVICE", "URL"))
    del out
    return table


def _row(out: Console, table: Table, title: str, url: str, source: str) -> None:
    if out.width >= NARROW:
        table.add_row(title, url, source)
    else:
        out.print(f"{title} ({source})\n  {url}", soft_wrap=True)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
