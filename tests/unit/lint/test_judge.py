"""Excuses, baselines, one finding a cause, and the order."""

from __future__ import annotations

import pytest

from alfred_dev.lint import judge
from tests.unit.lint.worlds import lint

TWO = """\
services:
  a:
    image: nginx:latest
  b:
    image: nginx:latest
"""


def test_one_cause_is_one_finding_with_its_places() -> None:
    (found,) = lint(TWO)
    assert [w.line for w in found.places] == [3, 5]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (TWO.replace("  b:", "  # alfred-dev: allow floating-tag (a test)\n  b:"), [3, 6]),
        (TWO.replace("latest", "latest  # alfred-dev: allow floating-tag (a test)", 1), [5]),
        ("# alfred-dev: allow-file floating-tag: a test\n" + TWO, []),
        ("# alfred-dev: allow-file * (all of it)\n" + TWO, []),
        ("# alfred-dev: allow-file unused (another)\n" + TWO, [4, 6]),
    ],
)  # fmt: skip
def test_a_comment_with_a_reason_excuses_its_places(text: str, lines: list[int]) -> None:
    places = [w.line for f in lint(text) if f.rule == "floating-tag" for w in f.places]
    assert places == lines


def test_a_comment_without_a_reason_excuses_nothing_and_is_a_finding() -> None:
    found = lint("# alfred-dev: allow-file floating-tag\n" + TWO)
    assert {f.rule for f in found} == {"floating-tag", "suppression"}


def test_a_comment_above_speaks_of_the_next_line() -> None:
    text = TWO.replace("    image", "    # alfred-dev: allow floating-tag (x)\n    image")
    assert lint(text) == ()


def test_the_baseline_knows_a_finding_again_when_lines_move() -> None:
    old = {judge.fingerprint(f): 1 for f in lint(TWO)}
    moved = lint("# one more line\n" + TWO)
    assert judge.new(moved, old) == ()
    assert len(judge.new((*moved, *moved), old)) == 1


def test_the_worst_comes_first() -> None:
    found = lint(TWO.replace("  b:", "  b:\n    port: [1]"))
    assert [str(f.severity) for f in found] == ["error", "info"]
