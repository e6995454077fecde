"""``python -m tests.golden.update``: rewrite golden trees and everything that is made from code."""

from __future__ import annotations

from pathlib import Path

from alfred_dev.doctor import registry
from alfred_dev.envtext import example
from alfred_dev.lint import docs
from alfred_dev.report.doctor_page import markdown
from alfred_dev.report.text import ports_markdown
from tests.golden import trees
from tests.worlds import catalog

REPOSITORY = Path(__file__).parents[2]
BEGIN, END = "<!-- ports: begin (scripts/golden) -->\n", "<!-- ports: end -->"


def generated() -> dict[str, str]:
    """Return path -> text of the files outside of tests that are made from code."""
    readme = (REPOSITORY / "README.md").read_text()
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return {
        ".env.example": example(),
        "docs/lint.md": docs.page(),
        "docs/doctor.md": markdown(registry.every(), registry.scanning()),
        "README.md": f"{head}{BEGIN}{ports_markdown(catalog())}\n{END}{tail}",
    }


def main() -> None:
    """Write them all."""
    for case in trees.CASES:
        trees.write_tree(trees.HERE / case, trees.rendered(case))
    trees.write_tree(trees.COMPOSE, trees.composed())
    for name, text in generated().items():
        (REPOSITORY / name).write_text(text)


if __name__ == "__main__":
    main()
