"""Which files are one project: Compose's own rules first, then their names and what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alfred_dev.errors import Where
from alfred_dev.lint import dotenv, tree
from alfred_dev.lint.files import Files, join, parent
from alfred_dev.lint.tree import Map, Scalar

# In Compose's order of preference.
MAIN = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE = ("compose.override.yaml", "compose.override.yml", "docker-compose.override.yml",
            "docker-compose.override.yaml")  # fmt: skip
YAML = (".yml", ".yaml")
COMPOSE_NAME = re.compile(r"(^|[-_.])(docker-?)?compose([-_.]|$)", re.IGNORECASE)
SERVICES = re.compile(r"^services\s*:", re.MULTILINE)
KUBERNETES = re.compile(r"^(apiVersion|kind|jobs|on|openapi|swagger)\s*:", re.MULTILINE)
TOP = frozenset({"name", "version", "services", "networks", "volumes", "configs", "secrets",
                 "include", "models"})  # fmt: skip
MAX_PROJECTS = 500


@dataclass(frozen=True, slots=True)
class Group:
    """Files to be loaded together, in order. ``overlay``: the one that is laid over the others."""

    files: tuple[str, ...]
    why: str
    overlay: str | None = None


def groups(files: Files, paths: Sequence[str]) -> tuple[Group, ...]:
    """Work out the projects in files and folders that the user named."""
    found: list[Group] = []
    singles: dict[str, list[str]] = {}
    for path in paths:
        if files.kind(path) == "dir":
            for folder in files.walk(path):
                found.extend(folder_groups(files, folder))
        else:
            singles.setdefault(parent(path), []).append(path)
    for folder, names in singles.items():
        found.extend(named(files, folder, names))
    return tuple(dict.fromkeys(found))[:MAX_PROJECTS]


def named(files: Files, folder: str, paths: list[str]) -> Iterator[Group]:
    """Files that the user named: each alone, or over the others as their names say."""
    known = {g.overlay: g for g in folder_groups(files, folder) if g.overlay}
    bases = {g.files for g in folder_groups(files, folder) if not g.overlay}
    for path in paths:
        if path in known:
            yield known[path]
            continue
        together = next((b for b in bases if path in b), None)
        if together and len(together) > 1:
            yield Group(together, f"Compose loads these together: {', '.join(together)}")
        else:
            yield Group((path,), f"{path} was named")


def folder_groups(files: Files, folder: str) -> tuple[Group, ...]:
    """Work out the projects of one folder."""
    names = [n for n in files.names(folder) if n.endswith(YAML)]
    roots = {n: r for n in names if (r := _compose(files, join(folder, n), n)) is not None}
    if not roots:
        return ()
    main = _main(files, folder, roots)
    taken = set(main.files) if main else set()
    parts = {p for n, r in roots.items() for p in _parts(join(folder, n), r)}
    found = [main] if main else []
    for name, root in roots.items():
        path = join(folder, name)
        if path not in taken:
            group = _other(path, root, main, files, parts)
            found.extend([group] if group else [])
    return tuple(found)


def _compose(files: Files, path: str, name: str) -> Map | None:
    """Return the tree of a compose file; None for any other YAML."""
    text = files.read(path)
    if text is None:
        return None
    named = COMPOSE_NAME.search(name) is not None
    if not named and (not SERVICES.search(text) or KUBERNETES.search(text)):
        return None
    root, problems = tree.parse(text, file=path)
    if isinstance(root, Map):
        return root if named or _looks_like_services(root) else None
    return Map(Where(path, 1, 1)) if named and problems else None


def _looks_like_services(root: Map) -> bool:
    """Tell whether a file whose name says nothing is one of Compose's."""
    services = root.get("services")
    if not isinstance(services, Map) or not services.items:
        return False
    if any(key not in TOP and not key.startswith("x-") for key in root.items):
        return False  # somebody else's format that has services, too
    keys = {"image", "build", "ports", "environment", "volumes", "depends_on", "extends"}
    inner = [s for s in services.items.values() if isinstance(s, Map)]
    return bool(inner) and all(keys & s.items.keys() for s in inner)


def _main(files: Files, folder: str, roots: dict[str, Map]) -> Group | None:
    own = join(folder, ".env")
    text = files.read(own) if files.kind(own) == "file" else None
    values = dotenv.parse(text, file=own).values if text else {}
    if "COMPOSE_FILE" in values:
        separator = (
            values["COMPOSE_PATH_SEPARATOR"].value if "COMPOSE_PATH_SEPARATOR" in values else ":"
        )
        listed = [
            join(folder, p) for p in values["COMPOSE_FILE"].value.split(separator or ":") if p
        ]
        if listed and all(files.kind(p) == "file" for p in listed):
            return Group(tuple(listed), f"COMPOSE_FILE in {own} names them")
    first = next((n for n in MAIN if n in roots), None)
    if first is None:
        return None
    over = next((n for n in OVERRIDE if n in roots), None)
    if over is None:
        return Group((join(folder, first),), "the file that Compose takes by itself")
    pair = (join(folder, first), join(folder, over))
    return Group(pair, f"Compose lays {over} over {first} by itself")


def _parts(path: str, root: Map) -> Iterator[str]:
    """Yield the files that another one includes or extends."""
    folder = parent(path)
    for said in tree.scalars(root.get("include"), limit=200):
        yield join(folder, said.raw)
    services = root.get("services")
    for service in services.items.values() if isinstance(services, Map) else ():
        extends = service.get("extends") if isinstance(service, Map) else None
        file = extends.get("file") if isinstance(extends, Map) else None
        if isinstance(file, Scalar):
            yield join(folder, file.raw)


def _other(
    path: str, root: Map, main: Group | None, files: Files, parts: Iterable[str]
) -> Group | None:
    """Decide on a file that Compose does not take by itself."""
    base = _root_of(files, main.files[0]) if main else None
    if main is not None and base is not None:
        reason = leans(root, base)
        if reason:
            together = (*main.files[:1], path)
            return Group(together, f"{path} lies over {main.files[0]}: {reason}", path)
    if path in parts:
        return None  # it is read with the file that includes or extends it
    reason = "and is complete in itself" if main else "and Compose would take none by itself"
    return Group((path,), f"{path} has services {reason}")


def _root_of(files: Files, path: str) -> Map | None:
    text = files.read(path)
    root = tree.parse(text, file=path)[0] if text else None
    return root if isinstance(root, Map) else None


def leans(root: Map, base: Map) -> str | None:
    """Say why a file needs another under it; None when it can stand alone."""
    own, under = (r.get("services") for r in (root, base))
    if not isinstance(own, Map) or not isinstance(under, Map):
        return None
    for name, service in own.items.items():
        bare = (
            not isinstance(service, Map) or not {"image", "build", "extends"} & service.items.keys()
        )
        if bare and name in under.items:
            return f"{name} has its image there"
    shared = own.items.keys() & under.items.keys()
    for name, service in own.items.items():
        missing = _wants(service) - own.items.keys()
        if missing & under.items.keys():
            return f"{name} needs {sorted(missing & under.items.keys())[0]}, which is there"
    if shared and _undeclared(root) & _declared(base):
        return "its networks or volumes are declared there"
    return None


def _wants(service: object) -> set[str]:
    found = service.get("depends_on") if isinstance(service, Map) else None
    if isinstance(found, Map):
        return set(found.items)
    return {s.raw for s in tree.scalars(found, limit=100)}


def _declared(root: Map) -> set[str]:
    return {
        name
        for key in ("networks", "volumes")
        if isinstance(section := root.get(key), Map)
        for name in section.items
    }


def _undeclared(root: Map) -> set[str]:
    used: set[str] = set()
    services = root.get("services")
    for service in services.items.values() if isinstance(services, Map) else ():
        if not isinstance(service, Map):
            continue
        networks = service.get("networks")
        used |= set(networks.items) if isinstance(networks, Map) else {
            s.raw for s in tree.scalars(networks, limit=100)
        }  # fmt: skip
        for said in tree.scalars(service.get("volumes"), limit=200):
            source = said.raw.partition(":")[0]
            if re.match(r"[A-Za-z0-9][\w.-]*\Z", source):
                used.add(source)
    return used - _declared(root)
