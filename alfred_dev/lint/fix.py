"""Findings with one right answer -> new texts, and the difference to show first. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from alfred_dev.lint.rule import Edit, Finding


def fixed(findings: Iterable[Finding], texts: Mapping[str, str]) -> dict[str, str]:
    """Return the files that would change, with their new texts."""
    lines = {path: text.split("\n") for path, text in texts.items()}
    done: set[Edit] = set()
    for edit in (edit for finding in findings for edit in finding.edits):
        if edit not in done and edit.where.file in lines:
            done.add(edit)
            _apply(lines[edit.where.file], edit)
    after = {path: "\n".join(found) for path, found in lines.items()}
    return {path: text for path, text in after.items() if text != texts[path]}


def _apply(lines: list[str], edit: Edit) -> None:
    """Change the line, if it holds the old text as it was read."""
    index = edit.where.line - 1
    if not 0 <= index < len(lines):
        return
    begin = max(edit.where.column - 1, 0)
    head, tail = lines[index][:begin], lines[index][begin:]
    lines[index] = head + _pattern(edit.old).sub(lambda _: edit.new, tail, count=1)


def _pattern(old: str) -> re.Pattern[str]:
    """A whole word or number: 80 is not to be found in 8080."""
    before = r"(?<![\w.])" if old[:1].isalnum() else ""
    after = r"(?![\w.]*\w)" if old[-1:].isdigit() else r"(?!\w)" if old[-1:].isalnum() else ""
    return re.compile(before + re.escape(old) + after)


def diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the changes as ``patch`` reads them."""
    parts: list[str] = []
    for path, text in sorted(after.items()):
        parts.extend(
            difflib.unified_diff(
                before[path].splitlines(keepends=True),
                text.splitlines(keepends=True),
                f"a/{path}",
                f"b/{path}",
            )
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in parts)
