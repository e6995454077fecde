"""What is rendered, and what is written from code, is what stands in the repository."""

from __future__ import annotations

import pytest

from tests.golden import trees, update


@pytest.mark.parametrize("case", sorted(trees.CASES))
def test_the_rendered_tree_is_the_golden_tree(case: str) -> None:
    assert trees.rendered(case) == trees.read_tree(trees.HERE / case)


@pytest.mark.parametrize("case", sorted(trees.CASES))
def test_rendering_twice_gives_the_same(case: str) -> None:
    assert trees.rendered(case) == trees.rendered(case)


def test_the_default_render_is_what_stands_in_compose() -> None:
    assert trees.composed() == trees.read_tree(trees.COMPOSE), "run scripts/golden"


@pytest.mark.parametrize("name", sorted(update.generated()))
def test_generated_files_are_up_to_date(name: str) -> None:
    assert (update.REPOSITORY / name).read_text() == update.generated()[name], "run scripts/golden"
