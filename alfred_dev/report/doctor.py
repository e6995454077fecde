"""What the doctor says, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from alfred_dev.doctor.mend import Done
from alfred_dev.doctor.model import Cause, Check, Diagnosis, Outcome, Severity, State
from alfred_dev.doctor.trace import Trace
from alfred_dev.report import json as report_json
from alfred_dev.report.command import typed
from alfred_dev.report.text import console

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
SHOWN_MASKS = 8


def document(found: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as JSON has it."""
    count = {state: sum(o.state is state for o in found.outcomes) for state in State}
    return {
        "schema": report_json.schema("doctor"),
        "ok": found.ok,
        "duration_s": round(found.duration_s, 3),
        "summary": {str(state): count[state] for state in State},
        "findings": [_cause(cause) for cause in found.causes],
        "checks": [_outcome(o) for o in found.outcomes],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    finding = cause.finding
    return {
        "code": cause.check.code,
        "category": cause.check.category,
        "severity": cause.severity,
        "subject": finding.subject,
        "about": sorted(finding.about),
        "title": cause.check.title,
        "cause": finding.cause,
        "evidence": list(finding.evidence),
        "fix": {
            "text": typed(finding.fix.text),
            "commands": [typed(line) for line in finding.fix.commands],
            "automatic": finding.fix.automatic,
        },
        "masks": list(cause.masks),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "code": outcome.check.code,
        "outcome": outcome.state,
        "duration_ms": round(outcome.duration_ms, 1),
        **({"detail": outcome.detail} if outcome.detail else {}),
    }


def print_diagnosis(found: Diagnosis, *, as_json: bool) -> None:
    """Print the root causes, the likeliest first, and how many checks looked."""
    if as_json:
        return report_json.emit(document(found))
    out = console()
    for cause in found.causes:
        _print_cause(out, cause)
    for outcome in found.outcomes:
        if outcome.state is State.CRASHED:
            out.print(f"could not look ({outcome.check.code}): {outcome.detail}", soft_wrap=True)
    out.print(_closing(found), soft_wrap=True)
    return None


def print_scan(found: Diagnosis, *, as_json: bool) -> None:
    """Print what stands open; the shape is the doctor's."""
    if as_json:
        return report_json.emit({**document(found), "schema": report_json.schema("scan")})
    return print_diagnosis(found, as_json=False)


def print_done(done: Sequence[Done], *, as_json: bool) -> None:
    """Say on stderr what each fix came to: stdout has the second look alone."""
    out = console(stderr=True)
    for row in done:
        mark = Text("mended: ", style="green") if row.ok else Text("not mended: ", style="yellow")
        said = f" ({row.said})" if row.said else ""
        out.print(mark + Text(f"{row.code}, {row.subject}{said}"), soft_wrap=True)
    if done and not as_json:
        out.print("looking again ...")


def _print_cause(out: Console, cause: Cause) -> None:
    finding = cause.finding
    head = Text(f"{cause.severity}: ", style=STYLES[cause.severity]) + Text(finding.cause)
    out.print(head, soft_wrap=True)
    for line in finding.evidence:
        out.print(Text(f"  | {line}", style="dim"), soft_wrap=True)
    if cause.masks:
        shown = ", ".join(cause.masks[:SHOWN_MASKS])
        more = len(cause.masks) - SHOWN_MASKS
        out.print(f"  from it follow: {shown}{f' and {more} more' if more > 0 else ''}",
                  soft_wrap=True)  # fmt: skip
    out.print(f"  {typed(finding.fix.text)}", soft_wrap=True)
    for number, line in enumerate(finding.fix.commands):
        label = "  fix: " if number == 0 else "       "
        out.print(Text(label, style="bold") + Text(typed(line)), soft_wrap=True)
    out.print(Text(f"  [{cause.check.code}]\n", style="dim"))


def _closing(found: Diagnosis) -> Text:
    looked = [o for o in found.outcomes if o.state not in (State.SKIPPED, State.CRASHED)]
    skipped = sum(o.state is State.SKIPPED for o in found.outcomes)
    crashed = sum(o.state is State.CRASHED for o in found.outcomes)
    errors = sum(c.severity is Severity.ERROR for c in found.causes)
    others = len(found.causes) - errors
    words = [f"{len(looked)} checks in {found.duration_s:.1f} s"]
    words += [f"{skipped} skipped"] if skipped else []
    words += [f"{crashed} could not look"] if crashed else []
    if not found.causes:
        return Text(f"nothing is wrong: {', '.join(words)}", style="green")
    said = f"{errors} broken" if errors else "nothing is broken"
    said += f", {others} to know" if others else ""
    return Text(f"{said}: {', '.join(words)}", style="bold red" if errors else "green")


def print_list(checks: Sequence[Check], *, as_json: bool) -> None:
    """Print every check: code, category, what it finds."""
    if as_json:
        rows = [
            {"code": c.code, "category": c.category, "severity": c.severity, "title": c.title,
             "cause": c.cause, "fix": c.fix, "depends_on": sorted(c.depends_on), "quick": c.quick}
            for c in checks
        ]  # fmt: skip
        return report_json.emit({"schema": report_json.schema("doctor-list"), "checks": rows})
    out = console()
    for check in checks:
        out.print(f"{check.category:<10} {check.code:<28} {check.title}", soft_wrap=True)
    return None


def print_trace(found: Trace, *, as_json: bool) -> None:
    """Print the hops; the broken one is the last."""
    if as_json:
        return report_json.emit(
            {
                "schema": report_json.schema("doctor-trace"),
                "ok": not found.broken,
                "service": found.service,
                "hops": [asdict(hop) for hop in found.hops],
                "broken": found.broken or None,
            }
        )
    out = console()
    for hop in found.hops:
        mark, style = {True: ("ok", "green"), False: ("BROKEN", "bold red"), None: ("-", "dim")}[
            hop.ok
        ]
        took = f"  {hop.latency_ms:.0f} ms" if hop.latency_ms else ""
        line = Text(f"{mark:<7}", style=style) + Text(f"{hop.hop:<24}{hop.target}: {hop.detail}")
        out.print(line + Text(took, style="dim"), soft_wrap=True)
    if found.broken:
        out.print(typed("why: alfred-dev doctor"), soft_wrap=True)
    return None
