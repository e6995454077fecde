"""Findings -> what is said: each cause once, what is excused left out, the worst first. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity

EXCUSE = re.compile(
    r"#\s*alfred-dev:\s*allow\s+(?P<codes>[a-z0-9*,\s-]+?)\s*(?:\((?P<why>[^)]*)\)|:\s*(?P<more>.*))?\s*$"
)
FILE_WIDE = re.compile(
    r"#\s*alfred-dev:\s*allow-file\s+(?P<codes>[a-z0-9*,\s-]+?)\s*(?:\((?P<why>[^)]*)\)|:\s*(?P<more>.*))?\s*$"
)
ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
# What one rule says more precisely than others at the same places.
MASKS = {
    "variable-unset": ("auth-off", "value-empty", "image-empty", "image-misfit", "url-password"),
    "floating-tag": ("image-empty",),
}
MAX_PLACES = 50
MAX_FINDINGS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuses:
    """What comments of one file allow: line -> codes; line 0 is the whole file."""

    codes: Mapping[int, frozenset[str]]
    bare: tuple[int, ...]  # lines of comments without a reason: they excuse nothing

    def covers(self, rule: str, line: int) -> bool:
        """Whether a rule is allowed at a line."""
        allowed = self.codes.get(line, frozenset()) | self.codes.get(0, frozenset())
        return rule in allowed or "*" in allowed


def excuses(text: str) -> Excuses:
    """Read the comments. A comment of its own speaks of the next line that is none."""
    codes: dict[int, frozenset[str]] = {}
    bare: list[int] = []
    waiting: frozenset[str] = frozenset()
    for number, line in enumerate(text.splitlines(), 1):
        comment = line.lstrip().startswith("#")
        found = EXCUSE.search(line) if "alfred-dev:" in line and len(line) < 2000 else None
        whole = FILE_WIDE.search(line) if "alfred-dev:" in line and len(line) < 2000 else None
        match = whole or found
        if match and not (match["why"] or match["more"] or "").strip():
            bare.append(number)
        elif match:
            listed = frozenset(re.split(r"[,\s]+", match["codes"].strip()))
            if whole:
                codes[0] = codes.get(0, frozenset()) | listed
            elif comment:
                waiting |= listed
            else:
                codes[number] = codes.get(number, frozenset()) | listed
        if not comment and line.strip():
            codes[number] = codes.get(number, frozenset()) | waiting
            waiting = frozenset()
    return Excuses(codes={n: c for n, c in codes.items() if c}, bare=tuple(bare))


def findings(
    projects: Sequence[Project], rules: Iterable[Rule], context: Context
) -> tuple[Finding, ...]:
    """Run every rule; join what is one cause; the worst first, then by place."""
    found: dict[tuple[str, Where, str | None], Finding] = {}
    for finding in _all(projects, rules, context):
        key = finding.rule, finding.where, finding.service
        known = found.get(key)
        if known is None or ORDER[finding.severity] < ORDER[known.severity]:
            found[key] = finding
    ordered = sorted(_unmasked(tuple(_without_copies(found.values()))), key=_key)
    return tuple(replace(f, places=f.places[:MAX_PLACES]) for f in ordered[:MAX_FINDINGS])


def _unmasked(found: Sequence[Finding]) -> Iterator[Finding]:
    """Leave out what a more precise rule has said at every one of its places."""
    said: dict[str, set[tuple[str, int]]] = {}
    for finding in found:
        said.setdefault(finding.rule, set()).update((w.file, w.line) for w in finding.places)
    for finding in found:
        better = set().union(*(said.get(r, set()) for r in MASKS.get(finding.rule, ())))
        if not {(w.file, w.line) for w in finding.places} <= better:
            yield finding


def _without_copies(found: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what says the same at places that another finding has already."""
    said: dict[tuple[str, str], set[Where]] = {}
    for finding in sorted(found, key=lambda f: -len(f.places)):
        places = said.setdefault((finding.rule, finding.message), set())
        lines = {replace(w, column=0) for w in finding.places}
        if not lines <= places:
            places |= lines
            yield finding


def _all(projects: Sequence[Project], rules: Iterable[Rule], context: Context) -> Iterator[Finding]:
    for rule in rules:
        for project in projects:
            if rule.check is not None:
                yield from rule.check(project, context)
        if rule.across is not None and len(projects) > 1:
            yield from rule.across(projects, context)


def _key(finding: Finding) -> tuple[int, str, int, int, str, str]:
    where = finding.where
    severity = ORDER[finding.severity]
    return severity, where.file, where.line, where.column, finding.rule, finding.message


def excused(found: Iterable[Finding], by_file: Mapping[str, Excuses]) -> tuple[Finding, ...]:
    """Leave out the places that comments allow, and findings of which no place is left."""
    kept = []
    for finding in found:
        places = tuple(w for w in finding.places if not _covered(finding.rule, w, by_file))
        if places and _covered(finding.rule, finding.where, by_file) and len(finding.places) == 1:
            continue
        if places:
            kept.append(replace(finding, places=places))
    return tuple(kept)


def _covered(rule: str, where: Where, by_file: Mapping[str, Excuses]) -> bool:
    known = by_file.get(where.file)
    return known is not None and known.covers(rule, where.line)


def fingerprint(finding: Finding) -> str:
    """Name a sin so that it is known again when lines move: rule, service, file and words."""
    text = "\n".join((finding.rule, finding.service or "", finding.where.file, finding.message))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def new(found: Iterable[Finding], baseline: Mapping[str, int]) -> tuple[Finding, ...]:
    """Leave out as many findings of a name as the baseline has."""
    left = dict(baseline)
    kept = []
    for finding in found:
        name = fingerprint(finding)
        if left.get(name, 0) > 0:
            left[name] -= 1
        else:
            kept.append(finding)
    return tuple(kept)
