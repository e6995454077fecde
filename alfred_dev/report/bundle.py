"""The file to attach to a bug: everything that is known of a stack, for somebody else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from alfred_dev.plan import Plan
from alfred_dev.report.json import Document
from alfred_dev.settings import SETTINGS

Section = tuple[str, Sequence[str]]


def text(sections: Iterable[Section]) -> str:
    """Return the sections as one text."""
    return "\n".join(
        "\n".join([f"== {title}", *(lines or ["(nothing)"]), ""]) for title, lines in sections
    )


def planned(plan: Plan) -> list[str]:
    """Return what runs from where, and the settings that hold no secret."""
    rows = [
        f"{s.id:<21}{s.source.kind:<10}{','.join(str(e.port) for e in s.endpoints):<16}"
        f"{s.source.detail}"
        for s in plan.services
    ]
    left = [f"{name:<21}left out: {why}" for name, why in plan.absent.items()]
    known = [
        f"{s.key}={plan.settings[s.key]}   ({plan.settings.values[s.key].origin})"
        for s in SETTINGS
        if not s.secret
    ]
    return [f"runtime {plan.runtime}, slot {plan.slot}", *rows, *left, "", *known]


def states(document: Document) -> list[str]:
    """Return a line a service, and each port's latency."""
    rows = []
    for s in document["services"]:
        ports = [
            f"{e['port']}: {e['latency_ms'] if e['healthy'] else e['detail']}"
            for e in s["endpoints"]
        ]
        rows.append(
            f"{s['id']:<21}{s['state']:<12}{s['health']:<11}restarts {s['restarts']}  "
            f"{'; '.join(ports)}  {s['detail']}"
        )
    return [*rows, *document["notes"]]


def findings(document: Document) -> list[str]:
    """Return the doctor's root causes with their evidence, and what each check took."""
    rows = []
    for f in document["findings"]:
        rows.append(f"{f['severity']}: {f['cause']}  [{f['code']}]")
        rows += [f"  | {line}" for line in f["evidence"]]
        rows += [f"  fix: {line}" for line in f["fix"]["commands"]]
    slow = sorted(document["checks"], key=lambda c: -c["duration_ms"])[:10]
    rows.append("")
    rows += [f"{c['code']:<28}{c['outcome']:<10}{c['duration_ms']:.0f} ms" for c in slow]
    return rows


def said(logs: Mapping[str, str], lines: int) -> Iterable[Section]:
    """Yield the last lines of each log."""
    for name, log in sorted(logs.items()):
        yield f"log of {name}", log.splitlines()[-lines:]
