"""Projects written down as one text: files apart by ``# --- NAME`` lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from alfred_dev.lint.files import join
from alfred_dev.lint.rule import Context, Finding
from alfred_dev.lint.run import lint_paths

NOW = 1_790_000_000.0
MARK = "# --- "
CONTEXT = Context(
    now=NOW,
    ports={
        "agent-core": frozenset({8011}),
        "agent-rag": frozenset({8501}),
        "model-router": frozenset({8080}),
    },
    ranges=(("api", 8000, 8999),),
)


@dataclass(frozen=True)
class Memory:
    """Files that exist in a test alone."""

    texts: Mapping[str, str]

    def read(self, path: str) -> str | None:
        return self.texts.get(join("", path))

    def kind(self, path: str) -> str | None:
        path = join("", path)
        if path in self.texts:
            return "file"
        return "dir" if path in self._folders else None

    def names(self, folder: str) -> tuple[str, ...]:
        here = PurePosixPath(folder or ".")
        return tuple(sorted({p.name for p in map(PurePosixPath, self.texts) if p.parent == here}))

    def walk(self, folder: str) -> Iterator[str]:
        start = PurePosixPath(folder or ".")
        for path in sorted(self._folders):
            if path == str(start) or start in PurePosixPath(path).parents:
                yield path

    @cached_property
    def _folders(self) -> set[str]:
        return {str(p) for name in self.texts for p in PurePosixPath(name).parents}


def files(text: str) -> dict[str, str]:
    """Return the files of a text; what comes before the first mark is compose.yaml."""
    found: dict[str, list[str]] = {"compose.yaml": []}
    name = "compose.yaml"
    for line in text.splitlines(keepends=True):
        if line.startswith(MARK):
            name = line.removeprefix(MARK).strip()
            found[name] = []
        else:
            found[name].append(line)
    return {name: "".join(lines) for name, lines in found.items() if lines}


def lint(text: str, only: Collection[str] = (), path: str = ".") -> tuple[Finding, ...]:
    """Judge a project."""
    return lint_paths([path], context=CONTEXT, only=only, files=Memory(files(text))).findings


def said(text: str, rule: str) -> list[tuple[str, str]]:
    """Return severity and place of what one rule finds."""
    return [(str(f.severity), f"{f.where.file}:{f.where.line}") for f in lint(text, [rule])]
