"""lint: compose files nobody here wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alfred_dev.cli import options
from alfred_dev.errors import UsageError

if TYPE_CHECKING:
    from alfred_dev.lint.rule import Context
    from alfred_dev.lint.run import Report


class LintFormat(StrEnum):
    """How ``lint`` prints."""

    TEXT = "text"
    GITHUB = "github"
    SARIF = "sarif"


class Worst(StrEnum):
    """What makes ``lint`` fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(lint)


def lint(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|DIR]...", help="Default: this folder.")
    ] = None,
    form: Annotated[LintFormat, typer.Option("--format", help="How to print.")] = LintFormat.TEXT,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="RULE", help="These rules alone.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Old findings: not reported.")
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", metavar="FILE", help="Take all of today's as old."),
    ] = None,
    fail_on: Annotated[
        Worst, typer.Option("--fail-on", help="Exit 1 from this severity on.")
    ] = Worst.ERROR,
    fix: Annotated[
        bool, typer.Option("--fix", help="Show what has one right answer as a diff, then ask.")
    ] = False,
    list_rules: Annotated[bool, typer.Option("--rules", help="List the rules.")] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Find what is wrong in compose files: any project's, without an engine. Exit 1 on errors."""
    if list_rules:
        return _print_rules()
    report = _report(paths or ["."], only or [], _known(baseline))
    if write_baseline:
        _write_baseline(write_baseline, report)
        raise typer.Exit(0)
    if fix:
        raise typer.Exit(_fix(report, yes=yes))
    _print(report, form, as_json=as_json)
    raise typer.Exit(int(_fails(report, fail_on)))


def _report(paths: list[str], only: list[str], known: Mapping[str, int]) -> Report:
    from alfred_dev.lint.rules import rules
    from alfred_dev.lint.run import SUPPRESSION, lint_paths

    for path in paths:
        if not Path(path).exists():
            raise UsageError(
                "file-unreadable", f"{path} cannot be read", cause="nothing is there",
                fix=["alfred-dev lint FILE or FOLDER"], where=path,
            )  # fmt: skip
    unknown = sorted(set(only) - {r.code for r in rules()} - {SUPPRESSION})
    if unknown:
        raise UsageError(
            "usage", f"there is no rule {unknown[0]}", cause="--only takes codes of rules",
            fix=["alfred-dev lint --rules"],
        )  # fmt: skip
    report = lint_paths(paths, context=context(), only=only, baseline=known)
    if not report.projects:
        raise UsageError(
            "no-compose-file", f"no compose file in {', '.join(paths)}",
            cause="no file there has services, or is named like compose.yaml",
            fix=["alfred-dev lint FILE"],
        )  # fmt: skip
    return report


def context() -> Context:
    """Return what rules may know: the time, and the shipped catalog's port map."""
    import importlib.resources
    import time

    from alfred_dev.catalog.parse import parse
    from alfred_dev.lint import platform

    shipped = importlib.resources.files("alfred_dev") / "catalog" / "services.yaml"
    catalog = parse(shipped.read_text(encoding="utf-8"), source="services.yaml")
    return platform.context(catalog, time.time())


def _print_rules() -> None:
    from alfred_dev.lint.rules import rules

    for rule in rules():
        print(f"{rule.code:24} {rule.severity:8} {rule.title}")


def _print(report: Report, form: LintFormat, *, as_json: bool) -> None:
    from alfred_dev.lint.rules import rules
    from alfred_dev.report import lint as say

    if as_json:
        print(json.dumps(say.document(report), ensure_ascii=False))
    elif form is LintFormat.SARIF:
        print(json.dumps(say.sarif(report, rules()), ensure_ascii=False, indent=1))
    elif form is LintFormat.GITHUB:
        for line in say.github(report):
            print(line)
        print(say.summary(report), file=sys.stderr)
    else:
        say.print_text(report)


def _fails(report: Report, fail_on: Worst) -> bool:
    order = list(Worst)
    limit = order.index(fail_on)
    return any(order.index(Worst(f.severity)) <= limit for f in report.findings)


def _known(path: Path | None) -> dict[str, int]:
    """Read a baseline. Raises UsageError."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["findings"]
        return {str(name): int(entry["count"]) for name, entry in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "file-unreadable", f"the baseline {path} cannot be read", cause=f"{error}",
            fix=[f"alfred-dev lint --write-baseline {path}"], where=str(path),
        ) from error  # fmt: skip


def _write_baseline(path: Path, report: Report) -> None:
    """Write what is found now. Each is named by what it says, so that lines may move."""
    from alfred_dev.cli import session
    from alfred_dev.lint import judge
    from alfred_dev.workspace import write

    found: dict[str, dict[str, object]] = {}
    for finding in report.findings:
        name = judge.fingerprint(finding)
        said = {"rule": finding.rule, "file": finding.where.file, "message": finding.message}
        count = int(str(found[name]["count"])) if name in found else 0
        found[name] = {"count": count + 1, **said}
    document = {"schema": "alfred-dev/lint-baseline/v1", "findings": found}
    write(path, json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n", mode=0o644)
    session.note(f"wrote {path}: {len(report.findings)} findings are old from now on")


def _fix(report: Report, *, yes: bool) -> int:
    from alfred_dev.cli import session
    from alfred_dev.lint import fix
    from alfred_dev.workspace import write

    after = fix.fixed(report.findings, report.texts)
    if not after:
        session.note("nothing here has one right answer")
        return 0
    print(fix.diff(report.texts, after), end="")
    if not yes and not sys.stdin.isatty():
        session.note("nothing was written; --yes writes it")
        return 0
    if not yes and not typer.confirm(f"Write {len(after)} files?", err=True):
        return 0
    for path, text in after.items():
        mode = Path(path).stat().st_mode & 0o777
        write(Path(path), text.encode(), mode=mode)
        session.note(f"wrote {path}")
    return 0
