"""Whatever is in the files: an answer, no exception, and not for long."""

from __future__ import annotations

import pytest

from tests.unit.lint import fuzzing
from tests.unit.lint.worlds import lint

MANY = 590


def test_mutated_projects_raise_nothing() -> None:
    fuzzing.run(range(120))


@pytest.mark.slow
def test_many_mutated_projects_raise_nothing() -> None:
    fuzzing.run(range(120, 6_000))


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [" + "*a, " * 9 + "*a]\n",
        "x0: &x0 [b, b]\n"
        + "".join(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]\n" for n in range(1, 30)),
        "[" * 5_000,
        "? " * 5_000,
        "services: {a: {image: '" + "${A:-" * 500 + "'}}",
        "services: {a: {image: 'a:1', command: '" + "$A" * 5_000 + "'}}",
        "services:\n" + "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(MANY)),
        "services:\n"
        + "".join(f"  s{n}: {{image: 'a:1', depends_on: [s{n + 1}]}}\n" for n in range(MANY)),
        "include: [compose.yaml, compose.yaml]\n",
        "services: [a, b]\n",
        "- a\n",
        "",
        "\0",
        "a: " + "x" * 400_000,
    ],
    ids=["self", "bomb", "deep", "keys", "dollars", "variables", "extends", "chain", "include",
         "list", "top", "empty", "nul", "large"],
)  # fmt: skip
def test_a_hostile_file_is_refused_or_read(text: str) -> None:
    for finding in lint(text):
        assert finding.where.line >= 1
