"""One defect in a project that is in order: found, in its line, by the rule that is for it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from alfred_dev.lint.rule import Finding
from alfred_dev.lint.run import lint_paths
from tests.unit.lint import planting
from tests.unit.lint.worlds import CONTEXT, Memory

PROJECTS = 300
SHARE = 0.95
KINDS = len(planting.DEFECTS)


def judged(texts: Mapping[str, str]) -> tuple[Finding, ...]:
    return lint_paths(["."], context=CONTEXT, files=Memory(texts)).findings


@pytest.mark.parametrize("seed", range(KINDS), ids=lambda s: planting.DEFECTS[s][1].__name__)
def test_a_defect_is_found_in_its_line(seed: int) -> None:
    _, after, line, rule = planting.planted(seed)
    assert (rule, line) in {(f.rule, w.line) for f in judged(after) for w in f.places}


@pytest.mark.slow
def test_nearly_every_defect_is_found_and_nothing_is_said_before() -> None:
    found = 0
    for seed in range(KINDS, PROJECTS):
        before, after, line, rule = planting.planted(seed)
        assert judged(before) == (), seed
        found += (rule, line) in {(f.rule, w.line) for f in judged(after) for w in f.places}
    assert found >= SHARE * (PROJECTS - KINDS)
