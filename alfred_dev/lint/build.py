"""A merged tree -> Project. Pure: paths are resolved as texts, nobody looks whether they exist."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping

from alfred_dev.errors import Where
from alfred_dev.lint import ports
from alfred_dev.lint.model import (
    Build,
    Command,
    Dependency,
    EnvFileUse,
    Health,
    Mount,
    Resource,
    Service,
    Variable,
)
from alfred_dev.lint.tree import HOLE, Map, Node, Scalar, Seq

MAX_TEXT = 10_000  # what is longer is no command, check or variable that a person wrote
MAX_VARIABLES = 500  # of one service; further ones are not read
Locate = Callable[[Scalar], str]  # a path in a file -> the path from here


def service(name: str, where: Where, node: Map, locate: Locate) -> Service:
    """Return the service that ``node``, in normal form, describes."""
    networks = node.get("networks")
    return Service(
        name=name,
        where=where,
        node=node,
        image=_scalar(node.get("image")),
        build=_build(node.get("build"), locate),
        ports=tuple(p for item in _items(node.get("ports")) for p in ports.parse(item)),
        expose=tuple(n for text in texts(node.get("expose")) for n in ports.span(_number(text))),
        environment=_environment(node.get("environment")),
        env_files=tuple(_env_files(node.get("env_file"), locate)),
        depends_on=_depends_on(node),
        networks=_networks(node),
        aliases=_aliases(networks),
        network_mode=_text(node.get("network_mode")),
        mounts=tuple(_mounts(node, locate)),
        health=_health(node),
        command=_command(node, "command"),
        entrypoint=_command(node, "entrypoint"),
        profiles=tuple(texts(node.get("profiles"))),
    )


def resources(node: Node | None, locate: Locate) -> dict[str, Resource]:
    """Return the entries of a top-level section."""
    if not isinstance(node, Map):
        return {}
    return {k: _resource(k, node.keys[k], v, locate) for k, v in node.items.items()}


def _resource(name: str, where: Where, node: Node, locate: Locate) -> Resource:
    found = node if isinstance(node, Map) else Map(where)
    external = found.get("external")
    path = _scalar(found.get("file"))
    outer = _text(external.get("name")) if isinstance(external, Map) else None
    return Resource(
        name=name,
        real_name=_text(found.get("name")) or outer,
        external=isinstance(external, Map) or _true(external),
        internal=_true(found.get("internal")),
        where=where,
        path=locate(path) if path else None,
        subnets=tuple(_subnets(found.get("ipam"))),
    )


def _subnets(node: Node | None) -> Iterable[tuple[str, Where]]:
    for entry in _items(node.get("config") if isinstance(node, Map) else None):
        subnet = entry.get("subnet") if isinstance(entry, Map) else None
        if isinstance(subnet, Scalar):
            yield subnet.text, subnet.where


def texts(node: Node | None) -> list[str]:
    """Return the values of a list, or the one value."""
    return [n.text for n in _items(node) if isinstance(n, Scalar)]


def _items(node: Node | None) -> tuple[Node, ...]:
    if isinstance(node, Seq):
        return node.items
    return (node,) if isinstance(node, Scalar) and not node.null else ()


def _scalar(node: Node | None) -> Scalar | None:
    return node if isinstance(node, Scalar) and not node.null else None


def _text(node: Node | None) -> str | None:
    found = _scalar(node)
    return found.value if found else None


def _true(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value.lower() in ("true", "yes", "on", "y")


def _number(text: str) -> str:
    return text.partition("/")[0]


def _environment(node: Node | None) -> Mapping[str, Variable]:
    if not isinstance(node, Map):
        return {}
    return {
        key: Variable(
            name=key,
            text=None if value.null else value.text[:MAX_TEXT],
            where=node.keys[key],
            refs=value.refs,
        )
        for key, value in list(node.items.items())[:MAX_VARIABLES]
        if isinstance(value, Scalar)
    }


def _env_files(node: Node | None, locate: Locate) -> Iterable[EnvFileUse]:
    for item in _items(node):
        path = _scalar(item.get("path")) if isinstance(item, Map) else _scalar(item)
        if path is None:
            continue
        required = _text(item.get("required")) if isinstance(item, Map) else None
        yield EnvFileUse(
            path=locate(path), required=required != "false", where=path.where, text=path.text
        )


def _depends_on(node: Map) -> Mapping[str, Dependency]:
    found = node.get("depends_on")
    if not isinstance(found, Map):
        return {}
    return {k: _dependency(found.keys[k], v) for k, v in found.items.items()}


def _dependency(where: Where, node: Node) -> Dependency:
    def text(key: str) -> str | None:
        return _text(node.get(key)) if isinstance(node, Map) else None

    return Dependency(
        condition=text("condition") or "service_started",
        required=text("required") != "false",
        where=where,
    )


def _networks(node: Map) -> Mapping[str, Where]:
    found = node.get("networks")
    if isinstance(found, Map):
        return {name: found.keys[name] for name in found.items}
    return {} if "network_mode" in node.items else {"default": node.where}


def _aliases(node: Node | None) -> Mapping[str, Where]:
    found: dict[str, Where] = {}
    for entry in node.items.values() if isinstance(node, Map) else ():
        for alias in _items(entry.get("aliases") if isinstance(entry, Map) else None):
            if isinstance(alias, Scalar):
                found[alias.value] = alias.where
    return found


def _build(node: Node | None, locate: Locate) -> Build | None:
    if not isinstance(node, Map):
        return None
    context = _scalar(node.get("context"))
    dockerfile = _scalar(node.get("dockerfile"))
    args = node.get("args")
    remote = context is not None and ("://" in context.text or context.text.startswith("git@"))
    unknown = context is not None and HOLE in context.text
    default = Scalar(node.where, ".", ".")
    return Build(
        context=None if remote or unknown else locate(context or default),
        dockerfile=dockerfile.text if dockerfile and HOLE not in dockerfile.text else None,
        inline="dockerfile_inline" in node.items or bool(dockerfile and HOLE in dockerfile.text),
        args={k: v for k, v in args.items.items() if isinstance(v, Scalar)}
        if isinstance(args, Map)
        else {},
        target=_text(node.get("target")),
        where=context.where if context else node.where,
        dockerfile_where=dockerfile.where if dockerfile else node.where,
    )


def _mounts(node: Map, locate: Locate) -> Iterable[Mount]:
    for item in _items(node.get("volumes")):
        found = _short(item, locate) if isinstance(item, Scalar) else _long(item, locate)
        if found:
            yield found


def _short(item: Scalar, locate: Locate) -> Mount | None:
    source, target, _ = ports.split_mount(item.text)
    bind = source.startswith((".", "/", "~", HOLE)) or bool(ports.WINDOWS.match(source))
    known = bind and HOLE not in source and not ports.WINDOWS.match(source)
    return Mount(
        kind="bind" if bind else "volume",
        source=source,
        target=target,
        where=item.where,
        path=locate(Scalar(item.where, source, source)) if known else None,
        text=item.text,
    )


def _long(item: Node, locate: Locate) -> Mount | None:
    if not isinstance(item, Map):
        return None
    source, kind = _scalar(item.get("source")), _text(item.get("type")) or "volume"
    bind = item.get("bind")
    known = kind == "bind" and source is not None and HOLE not in source.text
    created = _text(bind.get("create_host_path")) if isinstance(bind, Map) else None
    return Mount(
        kind=kind,
        source=source.text if source else "",
        target=_text(item.get("target")) or "",
        where=source.where if source else item.where,
        path=locate(source) if known and source else None,
        creates=created == "true",
        text=source.text if source else "",
    )


def _health(node: Map) -> Health | None:
    found = node.get("healthcheck")
    if not isinstance(found, Map):
        return None
    test = found.get("test")
    words = tuple(texts(test))
    script = test.text if isinstance(test, Scalar) and not test.null else None
    if isinstance(test, Seq) and words[:1] == ("CMD-SHELL",):
        words, script = (), " ".join(words[1:])
    off = _true(found.get("disable")) or words[:1] == ("NONE",) or script == "NONE"
    return Health(
        words=words[1:] if words[:1] == ("CMD",) and script is None else (),
        script=script[:MAX_TEXT] if script is not None else None,
        disabled=off,
        where=node.at("healthcheck"),
        place=test.where if test is not None else node.at("healthcheck"),
    )


def _command(node: Map, key: str) -> Command | None:
    found = node.get(key)
    if isinstance(found, Seq):
        items = [i for i in found.items if isinstance(i, Scalar)]
        words = tuple(i.text for i in items)
        return Command(
            words=words,
            where=node.at(key),
            text=" ".join(words),
            places=tuple(i.where for i in items),
        )
    if not isinstance(found, Scalar) or found.null:
        return None
    return Command(words=split(found.text), text=found.text[:MAX_TEXT], where=found.where)


def split(text: str) -> tuple[str, ...]:
    """Split a command as Compose does: like a shell, but nothing is run."""
    try:
        return tuple(shlex.split(text[:MAX_TEXT]))
    except ValueError:
        return tuple(text[:MAX_TEXT].split())
