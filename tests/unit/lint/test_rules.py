"""Every rule finds its own example, and is silent on the mended one."""

from __future__ import annotations

from pathlib import Path

import pytest

from alfred_dev.cli.lint import context
from alfred_dev.lint import docs
from alfred_dev.lint.rule import Rule
from alfred_dev.lint.rules import rules
from alfred_dev.lint.run import lint_paths
from tests.unit.lint.worlds import lint

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_a_rule_finds_its_own_example(rule: Rule) -> None:
    assert rule.code in {f.rule for f in lint(rule.bad)}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_nothing_at_all_is_said_of_the_mended_example(rule: Rule) -> None:
    assert lint(rule.good) == ()


def test_no_two_rules_share_a_code() -> None:
    codes = [rule.code for rule in rules()]
    assert len(codes) == len(set(codes)) > 40


def test_the_page_is_as_the_rules_are() -> None:
    written = (REPOSITORY / "docs" / "lint.md").read_text()
    assert written == docs.page(), "scripts/golden writes it"


def test_our_own_compose_file_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    report = lint_paths(["compose"], context=context())
    assert report.findings == ()
    assert len(report.projects) == 1
