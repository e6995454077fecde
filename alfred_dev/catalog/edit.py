"""Takes one entry out of a YAML text; every other byte stays as it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

Pair = tuple[yaml.Node, yaml.Node]


def without(text: str, path: Sequence[str]) -> str | None:
    """Return ``text`` without the entry at ``path``, None where there is no such entry.

    A mapping that would be empty then is taken out too. ``text`` must be valid YAML.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found: list[tuple[yaml.MappingNode, Pair]] = []
    node: yaml.Node | None = root
    for key in path:
        pair = _pair(node, key)
        if pair is None or not isinstance(node, yaml.MappingNode):
            return None
        found.append((node, pair))
        node = pair[1]
    while len(found) > 1 and len(found[-1][0].value) == 1:
        found.pop()
    mapping, pair = found[-1]
    first, last = _flow(text, mapping, pair) if mapping.flow_style else _block(text, pair)
    return text[:first] + text[last:]


def _pair(node: yaml.Node | None, key: str) -> Pair | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((pair for pair in node.value if pair[0].value == key), None)


def _block(text: str, pair: Pair) -> tuple[int, int]:
    """Return where the whole lines of a block entry begin and end."""
    first = text.rfind("\n", 0, pair[0].start_mark.index) + 1
    end = pair[1].end_mark
    if end.column == 0 and end.index > pair[0].end_mark.index:
        return first, end.index
    newline = text.find("\n", end.index)
    return first, len(text) if newline < 0 else newline + 1


def _flow(text: str, mapping: yaml.MappingNode, pair: Pair) -> tuple[int, int]:
    """Return where an entry between braces begins and ends, with one of its commas."""
    first, last = pair[0].start_mark.index, pair[1].end_mark.index
    place = mapping.value.index(pair)
    if place + 1 < len(mapping.value):
        return first, mapping.value[place + 1][0].start_mark.index
    if place > 0:
        return mapping.value[place - 1][1].end_mark.index, last
    return first, last
