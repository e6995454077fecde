"""What lint found: as text, for GitHub's annotations, as SARIF, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from alfred_dev import __version__
from alfred_dev.errors import Where
from alfred_dev.lint.rule import Finding, Rule, Severity
from alfred_dev.lint.run import Report
from alfred_dev.report.command import typed
from alfred_dev.report.text import console

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
SHOWN = 4  # further places of a finding; the JSON has all
PAGE = "docs/lint.md"


def document(report: Report) -> dict[str, Any]:
    """Return the stable JSON."""
    return {
        "schema": "alfred-dev/lint/v1",
        "ok": report.ok,
        "files": list(report.files),
        "projects": [
            {"name": p.name, "files": list(p.files), "why": p.why, "services": len(p.services)}
            for p in report.projects
        ],
        "summary": {str(s): _count(report.findings)[s] for s in Severity},
        "findings": [_finding(f) for f in report.findings],
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "severity": found.severity,
        "file": found.where.file,
        "line": found.where.line,
        "column": found.where.column,
        "service": found.service,
        "message": found.message,
        "fix": found.fix,
        "places": [{"file": w.file, "line": w.line, "column": w.column} for w in found.places],
        "fixable": bool(found.edits),
    }


def print_text(report: Report) -> None:
    """Print for people: what was read, each finding with its fix, the sum."""
    out = console()
    for line in read_lines(report):
        out.print(line, soft_wrap=True)
    for found in report.findings:
        head = Text(f"{found.where}: ") + Text(found.severity, style=STYLES[found.severity])
        out.print(head + Text(f": {found.message} [{found.rule}]"), soft_wrap=True)
        if found.fix:
            out.print(f"    fix: {found.fix}", soft_wrap=True)
        if len(found.places) > 1:
            out.print(f"    also: {_others(found)}", soft_wrap=True)
    out.print(summary(report), soft_wrap=True)


def read_lines(report: Report) -> Iterable[str]:
    """Say which files were taken together, and why."""
    if len(report.projects) == 1 and len(report.projects[0].files) == 1:
        return
    for project in report.projects:
        yield f"read {' + '.join(project.files)} ({project.why})"


def _others(found: Finding) -> str:
    here, others = found.where.file, found.places[1:]
    lines = list(dict.fromkeys(_short(w, here) for w in others))
    more = len(lines) - SHOWN
    return ", ".join(lines[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _short(where: Where, here: str) -> str:
    return f"line {where.line}" if where.file == here else f"{where.file}:{where.line}"


def _count(findings: Iterable[Finding]) -> Counter[Severity]:
    return Counter(f.severity for f in findings)


def summary(report: Report) -> str:
    """Return the last line."""
    count = _count(report.findings)
    services = sum(len(p.services) for p in report.projects)
    what = f"{_many(len(report.files), 'file')}, {_many(services, 'service')}"
    if not report.findings:
        return f"nothing found in {what}"
    numbers = [_many(count[s], str(s)) for s in Severity if s is not Severity.INFO]
    fixable = sum(1 for f in report.findings if f.edits)
    hint = typed(f"; {fixable} can be mended: alfred-dev lint --fix PATH") if fixable else ""
    return f"{', '.join(numbers)}, {count[Severity.INFO]} info in {what}{hint}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def github(report: Report) -> list[str]:
    """Return workflow commands, one a finding."""
    return [
        f"::{GITHUB[f.severity]} file={_property(f.where.file)},line={f.where.line},"
        f"col={f.where.column},title={_property(f.rule)}::{_data(f'{f.message}; {f.fix}')}"
        for f in report.findings
    ]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(report: Report, known: Iterable[Rule]) -> Mapping[str, Any]:
    """Return a SARIF 2.1.0 log."""
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "alfred-dev lint",
                        "version": __version__,
                        "rules": [_rule(rule) for rule in known],
                    }
                },
                "results": [_result(found) for found in report.findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.page},
        "helpUri": f"{PAGE}#{rule.code}",
        "defaultConfiguration": {"level": SARIF[rule.severity]},
    }


def _result(found: Finding) -> dict[str, Any]:
    places = [_location(where) for where in found.places]
    return {
        "ruleId": found.rule,
        "level": SARIF[found.severity],
        "message": {"text": f"{found.message}. Fix: {found.fix}"},
        "locations": places[:1],
        "relatedLocations": places[1:],
    }


def _location(where: Where) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": where.file.replace("\\", "/")},
            "region": {"startLine": where.line, "startColumn": where.column},
        }
    }
