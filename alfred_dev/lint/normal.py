"""Long and short forms -> one form, so that files can be merged as Compose merges them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alfred_dev.lint.tree import Map, Node, Scalar, Seq


def service(node: Map) -> Map:
    """Return a service with its short mappings written out."""
    items = dict(node.items)
    for key, form in FORMS.items():
        if key in items:
            items[key] = form(items[key])
    return replace(node, items=items)


def hosts(node: Node) -> Node:
    """``[a=1.2.3.4, b:1.2.3.5]`` -> a mapping."""
    return assignments(node, "=:")


def extends(node: Node) -> Node:
    """``extends: a`` -> ``{service: a}``."""
    return single("service", node) if isinstance(node, Scalar) else node


def assignments(node: Node, separators: str = "=") -> Node:
    """``[A=1, B]`` -> ``{A: 1, B: null}``. The last of two equal keys wins, as in Compose."""
    if not isinstance(node, Seq):
        return node
    found = Map(node.where, tag=node.tag)
    for item in node.items:
        if not isinstance(item, Scalar):
            continue
        key, sign, value = _split(item.text, separators)
        raw = _split(item.raw, separators)[2]
        found.items[key] = (
            replace(item, text=value, raw=raw, plain=False, block=False)
            if sign
            else replace(item, text="", raw="", plain=True)
        )
        found.keys[key] = item.where
    return found


def _split(text: str, separators: str) -> tuple[str, str, str]:
    places = [at for at in (text.find(sign) for sign in separators) if at >= 0]
    if not places:
        return text, "", ""
    return text[: min(places)], text[min(places)], text[min(places) + 1 :]


def names(node: Node) -> Node:
    """``[a, b]`` -> ``{a: null, b: null}``."""
    if not isinstance(node, Seq):
        return node
    found = Map(node.where, tag=node.tag)
    for item in node.items:
        if isinstance(item, Scalar):
            found.items[item.value] = replace(item, text="", raw="", plain=True, refs=())
            found.keys[item.value] = item.where
    return found


def build(node: Node) -> Node:
    """``build: DIR`` -> ``{context: DIR}``; arguments become a mapping."""
    if isinstance(node, Scalar):
        return node if node.null else single("context", node)
    if isinstance(node, Map) and "args" in node.items:
        return replace(node, items={**node.items, "args": assignments(node.items["args"])})
    return node


def single(key: str, node: Scalar) -> Map:
    """Return ``{key: node}``."""
    return Map(node.where, {key: node}, {key: node.where}, node.tag)


def listed(node: Node) -> Node:
    """Return a list: one value is a list of one."""
    return node if isinstance(node, Seq) else Seq(node.where, (node,))


FORMS: dict[str, Callable[[Node], Node]] = {
    "environment": assignments,
    "labels": assignments,
    "annotations": assignments,
    "sysctls": assignments,
    "depends_on": names,
    "networks": names,
    "extra_hosts": hosts,
    "build": build,
    "env_file": listed,
    "extends": extends,
}
