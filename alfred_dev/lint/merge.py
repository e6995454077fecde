"""One Compose file laid over another, by Compose's rules. Pure. Both are in normal form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alfred_dev.lint import ports
from alfred_dev.lint.tree import Map, Node, Scalar, Seq

# What a later file replaces as a whole.
REPLACED = {"command", "entrypoint", "test"}
UNIQUE = {"expose", "dns", "dns_search", "env_file", "external_links", "profiles", "cap_add",
          "cap_drop", "security_opt", "group_add", "tmpfs", "dns_opt"}  # fmt: skip


def tree(base: Node | None, over: Node, key: str = "") -> Node | None:
    """Return ``over`` laid over ``base``; None when ``over`` takes it away."""
    if over.tag == "!reset":
        return None
    if base is None or over.tag == "!override":
        return _settled(over)
    if isinstance(base, Map) and isinstance(over, Map):
        return _maps(base, over, key)
    if isinstance(base, Seq) and isinstance(over, Seq) and key not in REPLACED:
        return _lists(base, over, key)
    if isinstance(over, Scalar) and over.null and not isinstance(base, Scalar):
        return base
    return _settled(over)


def _settled(node: Node) -> Node:
    """Return what is new, without what it resets."""
    if not isinstance(node, Map) or not any(_tagged(child) for child in node.items.values()):
        return node
    items = {k: tree(None, v, k) for k, v in node.items.items()}
    return replace(node, items={k: v for k, v in items.items() if v is not None})


def _tagged(node: Node) -> bool:
    return node.tag in ("!reset", "!override") or isinstance(node, Map)


def _maps(base: Map, over: Map, key: str) -> Map:
    if key == "logging" and _driver(base) != _driver(over):
        return over
    items, keys = dict(base.items), dict(base.keys)
    for name, value in over.items.items():
        merged = tree(items.get(name), value, name)
        if merged is None:
            items.pop(name, None)
            keys.pop(name, None)
            continue
        if not isinstance(merged, Map) or name not in items:
            keys[name] = over.keys[name]
        items[name] = merged
    return Map(base.where, items, keys, base.tag)


def _driver(node: Map) -> str | None:
    driver = node.get("driver")
    return driver.value if isinstance(driver, Scalar) else None


def _lists(base: Seq, over: Seq, key: str) -> Seq:
    identity = IDENTITIES.get(key)
    if identity is None and key not in UNIQUE:
        return replace(base, items=base.items + over.items)
    found: dict[str, Node] = {}
    for number, item in enumerate((*base.items, *over.items)):
        name = (identity or _plain)(item)
        found[name if name is not None else f"\0{number}"] = item
    return replace(base, items=tuple(found.values()))


def _plain(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) else None


def _field(name: str, node: Node) -> str | None:
    found = node.get(name) if isinstance(node, Map) else None
    return found.value if isinstance(found, Scalar) else None


def _volume(node: Node) -> str | None:
    """A mount is known by its place in the container."""
    if isinstance(node, Scalar):
        parts = ports.split_mount(node.value)
        return parts[1] if parts[1] else parts[0]
    return _field("target", node)


def _port(node: Node) -> str | None:
    found = ports.parse(node)
    return None if not found else "/".join(
        f"{p.host_ip or '0.0.0.0'}:{p.published or p.published_text}:{p.target}:{p.protocol}"
        for p in found
    )  # fmt: skip


def _granted(node: Node) -> str | None:
    if isinstance(node, Scalar):
        return node.value
    return _field("target", node) or _field("source", node)


def _device(node: Node) -> str | None:
    return (
        node.value.split(":")[min(1, node.value.count(":"))] if isinstance(node, Scalar) else None
    )


IDENTITIES: dict[str, Callable[[Node], str | None]] = {
    "volumes": _volume, "ports": _port, "secrets": _granted, "configs": _granted,
    "devices": _device,
}  # fmt: skip
