"""How a flow's outcome is said."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from alfred_dev.flow.model import Broken, Outcome
from alfred_dev.report import json as report_json
from alfred_dev.report import text
from alfred_dev.report.command import typed
from alfred_dev.report.json import Document


def document(outcome: Outcome) -> Document:
    """Return the outcome as JSON tells it."""
    broken = outcome.broken
    return {
        "schema": report_json.schema("flow"),
        "ok": outcome.ok,
        "flow": outcome.flow,
        "n": outcome.n,
        "through": outcome.through,
        "hops": [
            {"hop": h.hop, "p50_ms": h.p50_ms, "p95_ms": h.p95_ms, "p99_ms": h.p99_ms}
            for h in outcome.hops
        ],
        "broken": None
        if broken is None
        else {
            "hop": broken.hop,
            "service": broken.service,
            "peer": broken.peer,
            "detail": broken.detail,
        },
    }


def print_outcome(outcome: Outcome) -> None:
    """Print a row a hop, then whether all went well."""
    out = text.console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("HOP")
    for name in ("P50", "P95", "P99"):
        table.add_column(name, justify="right")
    for hop in outcome.hops:
        values = (hop.p50_ms, hop.p95_ms, hop.p99_ms)
        table.add_row(hop.hop, *(f"{value:.1f} ms" for value in values))
    if outcome.hops:
        out.print(table)
    if outcome.broken is not None:
        _print_broken(outcome.broken)
        return
    word = "request" if outcome.n == 1 else "requests"
    out.print(f"{outcome.n} {word} through {outcome.through}: every hop was taken")


def _print_broken(broken: Broken) -> None:
    out = text.console(stderr=True)
    out.print(Text("broken: ", style="bold red") + Text(broken.hop), soft_wrap=True)
    who = broken.service if broken.service == broken.peer else f"{broken.service} -> {broken.peer}"
    out.print(f"  {who}: {broken.detail}", soft_wrap=True)
    out.print(typed(f"  fix: alfred-dev status; alfred-dev logs {broken.peer}"), soft_wrap=True)
