"""``lint_paths``: what the command line, the doctor and our own tests call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from alfred_dev.errors import Where
from alfred_dev.lint import judge, reader
from alfred_dev.lint.files import Disk, Files, join
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Severity
from alfred_dev.lint.rules import rules

SUPPRESSION = "suppression"  # the one code that is no rule: about comments that excuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was read, and what was found: the worst first."""

    projects: tuple[Project, ...]
    findings: tuple[Finding, ...]
    texts: Mapping[str, str]

    @property
    def files(self) -> tuple[str, ...]:
        """Every compose file that was read."""
        return tuple(dict.fromkeys(f for p in self.projects for f in p.files))

    @property
    def ok(self) -> bool:
        """Whether nothing is an error."""
        return not any(f.severity is Severity.ERROR for f in self.findings)


def lint_paths(
    paths: Sequence[str],
    *,
    context: Context,
    only: Collection[str] = (),
    baseline: Mapping[str, int] | None = None,
    files: Files | None = None,
) -> Report:
    """Read the compose projects in files and folders and judge them. Never raises.

    ``only``: rule codes, default all. ``baseline``: old sins, see ``judge.fingerprint``.
    """
    disk = files or Disk()
    found = reader.projects(disk, tuple(dict.fromkeys(join("", p) for p in paths)))
    chosen = [r for r in rules() if not only or r.code in only]
    findings = judge.findings(found, chosen, context)
    texts = _texts(disk, findings, found)
    excuses = {path: judge.excuses(text) for path, text in texts.items()}
    kept = judge.excused(findings, excuses)
    if not only or SUPPRESSION in only:
        kept = (*kept, *_without_reason(excuses))
    return Report(projects=found, findings=judge.new(kept, baseline or {}), texts=texts)


def _texts(
    files: Files, findings: Sequence[Finding], projects: Sequence[Project]
) -> dict[str, str]:
    """Return the texts of all files that were read or are blamed."""
    blamed = [w.file for f in findings for w in f.places]
    named = dict.fromkeys([*(f for p in projects for f in p.files), *blamed])
    return {path: text for path in named if (text := files.read(path)) is not None}


def _without_reason(excuses: Mapping[str, judge.Excuses]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule=SUPPRESSION,
            severity=Severity.WARNING,
            service=None,
            message="this comment allows something without saying why: it is not obeyed",
            fix="# alfred-dev: allow CODE (the reason)",
            places=(Where(path, line, 1),),
        )
        for path, known in excuses.items()
        for line in known.bare
    )
