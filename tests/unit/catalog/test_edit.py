"""One entry goes, everything else stays."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.catalog.edit import without


@pytest.mark.parametrize(
    ("text", "path", "left"),
    [
        ("a:\n  b: 1\n  c: 2\n", "a.b", "a:\n  c: 2\n"),
        ("a:\n  b: 1\n", "a.b", ""),
        ("# top\na:\n  b: 1\nz: 2\n", "a.b", "# top\nz: 2\n"),
        ("a: {b: 1, c: 2}\n", "a.b", "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", "a.c", "a: {b: 1}\n"),
        ("a: {b: 1}\nz: 2\n", "a.b", "z: 2\n"),
        ("a:\n  b: |\n    x\n    y\n  c: 2\n", "a.b", "a:\n  c: 2\n"),
        ("a:\n  b: 1", "a.b", ""),
        (
            "s:\n  x:\n    env: {A: '1'}\n    from: host\n",
            "s.x.env.A",
            "s:\n  x:\n    from: host\n",
        ),
    ],
)
def test_the_entry_goes(text: str, path: str, left: str) -> None:
    assert without(text, path.split(".")) == left


@pytest.mark.parametrize("path", ["x", "a.x", "a.b.c"])
def test_what_is_not_there_is_said(path: str) -> None:
    assert without("a:\n  b: 1\n", path.split(".")) is None


KEYS = st.sampled_from("abcde")
TREES = st.dictionaries(
    KEYS, st.dictionaries(KEYS, st.text("xyz '\n:#", max_size=8), min_size=1), min_size=1
)


@given(tree=TREES, flow=st.booleans(), data=st.data())
def test_only_that_entry_goes(
    tree: dict[str, dict[str, str]], flow: bool, data: st.DataObject
) -> None:
    outer = data.draw(st.sampled_from(sorted(tree)))
    inner = data.draw(st.sampled_from(sorted(tree[outer])))
    text = yaml.safe_dump(tree, default_flow_style=flow)
    wanted = {k: {i: v for i, v in d.items() if (k, i) != (outer, inner)} for k, d in tree.items()}
    wanted = {k: d for k, d in wanted.items() if d}
    left = without(text, (outer, inner))
    assert left is not None
    assert (yaml.safe_load(left) or {}) == wanted
