"""How good and how fast is the linter? ``python -m bench.lint [--corpus DIR] [--fuzz N]``.

The corpus is not in the repository: DIR has one folder a project, named owner__name, with the files
of the commit that lint_corpus.yaml names. Without it that table is left out. Precision counts every
finding that no note confirms as wrong.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from alfred_dev.cli.lint import context
from alfred_dev.lint.files import Disk
from alfred_dev.lint.rule import Finding
from alfred_dev.lint.run import lint_paths
from tests.unit.lint import fuzzing, planting
from tests.unit.lint.worlds import Memory

NOTES = Path(__file__).with_name("lint_corpus.yaml")
ROUNDS = 5
MUTANTS = 300
FILES, SERVICES = 60, 200


class Corpus(Disk):
    """A copy that lacks most of the project: what is not in it is taken to be there."""

    def kind(self, path: str) -> str | None:
        found = super().kind(path)
        name = path.rpartition("/")[2]
        if found or name.startswith((".env", ".git")):
            return found
        return "file" if "." in name or "ockerfile" in name else "dir"


def judged(corpus: Path, note: Mapping[str, Any]) -> tuple[list[int], list[str]]:
    """Return noted, found of them, findings, true ones; and what is amiss, in words."""
    before = Path.cwd()
    os.chdir(corpus / note["repo"].replace("/", "__"))
    try:
        report = lint_paths(["."], context=context(), files=Corpus())
    finally:
        os.chdir(before)
    faults, also = note["faults"], note.get("also", [])
    missed = [f for f in faults if not any(_confirms(f, one) for one in report.findings)]
    wrong = [f for f in report.findings if not any(_confirms(n, f) for n in (*faults, *also))]
    amiss = [f"missed {note['repo']}:{f['line']} {f['rule']}: {f['why']}" for f in missed]
    amiss += [f"unconfirmed {note['repo']}:{f.where.line} {f.rule}: {f.message}" for f in wrong]
    found = len(report.findings)
    return [len(faults), len(faults) - len(missed), found, found - len(wrong)], amiss


def _confirms(note: Mapping[str, Any], finding: Finding) -> bool:
    named = finding.rule in str(note["rule"]).split("|")
    return named and any(where.line == note["line"] for where in finding.places)


def corpus_table(corpus: Path, *, verbose: bool) -> None:
    notes = yaml.safe_load(NOTES.read_text())["projects"]
    print(
        f"{'corpus':<10}{'projects':>9}{'noted':>7}{'recall':>8}{'findings':>10}{'precision':>11}"
    )
    for half in dict.fromkeys(str(n["half"]) for n in notes):
        rows = [judged(corpus, n) for n in notes if n["half"] == half]
        noted, hit, found, true = (sum(counts[i] for counts, _ in rows) for i in range(4))
        print(
            f"{half:<10}{len(rows):>9}{noted:>7}{hit / noted:>8.1%}{found:>10}{true / found:>11.1%}"
        )
        for line in (line for _, amiss in rows for line in amiss) if verbose else ():
            print(f"    {line}")


def mutants() -> None:
    """Plant one defect in each of 300 valid projects."""
    found, clean = 0, 0
    missed: dict[str, int] = {}
    for number in range(MUTANTS):
        before, after, line, rule = planting.planted(number)
        clean += not any(str(f.severity) == "error" for f in _lint(before))
        hit = any(f.rule == rule and any(w.line == line for w in f.places) for f in _lint(after))
        found += hit
        if not hit:
            missed[rule] = missed.get(rule, 0) + 1
    print(f"planted    {MUTANTS} projects: {found / MUTANTS:.1%} found at the right line, "
          f"{clean / MUTANTS:.1%} without an error before; missed: {missed or 'none'}")  # fmt: skip


def _lint(texts: Mapping[str, str]) -> Sequence[Finding]:
    return lint_paths(["."], context=context(), files=Memory(texts)).findings


def speed() -> None:
    """60 files with 200 services on disk, read and judged; the process's start is not in it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in _many():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        seconds, work = [], []
        for _ in range(ROUNDS):
            began, busy = time.perf_counter(), time.process_time()
            report = lint_paths([folder], context=context())
            seconds.append(time.perf_counter() - began)
            work.append(time.process_time() - busy)
        services = sum(len(p.services) for p in report.projects)
        print(f"speed      {len(report.files)} files, {services} services: "
              f"{statistics.median(seconds):.3f} s, CPU {statistics.median(work):.3f} s "
              f"(medians of {ROUNDS})")  # fmt: skip


def _many() -> Iterator[tuple[str, str]]:
    own = SERVICES - 4 * (FILES // 3)  # every third file has the four stores too
    for number in range(FILES):
        count = own // FILES + (number < own % FILES)
        text = planting.valid(number, count)["compose.yaml"]
        yield f"p{number}/compose.yaml", text if number % 3 == 0 else planting.bare(text)


def fuzz(count: int) -> None:
    """Mutated inputs: no exception, none slow."""
    began = time.perf_counter()
    worst = fuzzing.run(range(count))
    total = time.perf_counter() - began
    print(f"fuzz       {count} mutated inputs: no exception, slowest {worst * 1000:.0f} ms CPU, "
          f"{total / max(count, 1) * 1000:.2f} ms each")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--fuzz", type=int, default=2_000)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if options.corpus:
        corpus_table(options.corpus.resolve(), verbose=options.verbose)
    mutants()
    speed()
    fuzz(options.fuzz)


if __name__ == "__main__":
    main()
