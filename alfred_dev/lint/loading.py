"""Files -> one merged tree: interpolation, ``extends``, ``include``, overlays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from alfred_dev.errors import Problem, Where
from alfred_dev.lint import dotenv, interpolate, merge, normal, tree
from alfred_dev.lint.dotenv import EnvFile
from alfred_dev.lint.files import Files, join, parent
from alfred_dev.lint.interpolate import Setting
from alfred_dev.lint.model import Flaw
from alfred_dev.lint.tree import HOLE, Map, Node, Scalar, Seq

MAX_CHAIN = 20  # extends of extends, include of include
MAX_STEPS = 600  # of either, in one project
MAX_SERVICES = 600
EXAMPLES = (
    ".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env",
    ".env-example", "sample.env", ".env.default", ".env.defaults", "default.env",
    ".env.docker.example",
    "env.sample", "env.template", ".env_example", ".env.local.example", ".env.development.example",
)  # fmt: skip


@dataclass(slots=True)
class Loader:
    """Loads one project. ``bases``: file -> the folder its relative paths begin at."""

    files: Files
    folder: str
    flaws: list[Flaw] = field(default_factory=list)
    bases: dict[str, str] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    steps: int = 0
    roots: dict[tuple[str, int], tuple[interpolate.Scope, Map | None]] = field(default_factory=dict)
    including: tuple[str, ...] = ()

    def flaw(self, kind: str, where: Where, message: str, service: str | None = None) -> None:
        """Record what is wrong."""
        problem = Problem(where.file, where.line, where.column, message)
        self.flaws.append(Flaw(kind=kind, problem=problem, service=service))

    def locate(self, path: Scalar) -> str:
        """Return a path as seen from where lint runs."""
        return join(self.bases.get(path.where.file, self.folder), path.value or ".")

    def load(
        self, paths: Sequence[str], base: str, scope: interpolate.Scope, depth: int = 0
    ) -> Map:
        """Return the files laid over each other, in normal form."""
        found: Map | None = None
        for path in paths:
            one = self._file(path, base, scope, depth)
            merged = merge.tree(found, one) if one is not None else found
            found = merged if isinstance(merged, Map) else found
        return found or Map(Where(paths[0] if paths else self.folder, 1, 1))

    def _file(self, path: str, base: str, scope: interpolate.Scope, depth: int) -> Map | None:
        root = self._root(path, scope)
        if root is None:
            return None
        self.bases.setdefault(path, base)
        services = root.get("services")
        if isinstance(services, Map):
            done = {
                name: self._service(name, services, path, scope, (path,))
                for name in list(services.items)[:MAX_SERVICES]
            }
            if len(services.items) > MAX_SERVICES:
                self.flaw("shape", services.where, f"more than {MAX_SERVICES} services: not read")
            items = {k: v for k, v in done.items() if v is not None}
            root = replace(root, items={**root.items, "services": replace(services, items=items)})
        return self._included(root, base, scope, depth)

    def _root(self, path: str, scope: interpolate.Scope) -> Map | None:
        """Return the filled-in tree of a file, read once for each scope."""
        key = path, id(scope)
        if key not in self.roots:
            self.roots[key] = scope, self._read(path, scope)  # the scope is kept: its id is the key
        return self.roots[key][1]

    def _read(self, path: str, scope: interpolate.Scope) -> Map | None:
        text = self.files.read(path)
        if text is None:
            self.flaw("missing-file", Where(path, 1, 1), "the file cannot be read")
            return None
        if path not in self.read:
            self.read.append(path)
        node, problems = tree.parse(text, file=path)
        self._problems("yaml", problems)
        if node is None:
            return None
        if not isinstance(node, Map):
            if not (isinstance(node, Scalar) and node.null):
                self.flaw("yaml", node.where, "a compose file is a mapping at its top")
            return None
        filled, problems = interpolate.filled(node, scope)
        self._problems("interpolation", problems)
        return filled if isinstance(filled, Map) else None

    def _problems(self, kind: str, problems: Sequence[Problem]) -> None:
        self.flaws.extend(Flaw(kind=kind, problem=p) for p in problems)

    def _service(
        self,
        name: str,
        services: Map,
        path: str,
        scope: interpolate.Scope,
        chain: tuple[str, ...],
    ) -> Node | None:
        """Return a service in normal form, with what it extends under it."""
        node = services.items[name]
        if not isinstance(node, Map):
            return None if isinstance(node, Scalar) and node.null else node
        node = normal.service(node)
        extends = node.get("extends")
        if not isinstance(extends, Map) or self.steps > MAX_STEPS:
            return node
        self.steps += 1
        base = self._extended(extends, services, path, scope, (*chain, name))
        own = replace(node, items={k: v for k, v in node.items.items() if k != "extends"})
        merged = merge.tree(base, own) if base is not None else own
        return merged if isinstance(merged, Map) else own

    def _extended(
        self,
        extends: Map,
        services: Map,
        path: str,
        scope: interpolate.Scope,
        chain: tuple[str, ...],
    ) -> Node | None:
        wanted, other = extends.get("service"), extends.get("file")
        if not isinstance(wanted, Scalar) or len(chain) > MAX_CHAIN:
            return None
        if isinstance(other, Scalar) and HOLE in other.text:
            return None
        if isinstance(other, Scalar) and self.locate(other) != path:
            path = self.locate(other)
            root = self._other(path, scope, other.where)
            found = root.get("services") if root else None
            if root is None:
                return None
            services = found if isinstance(found, Map) else Map(root.where)
            chain = (path,)
        if wanted.value not in services.items:
            self.flaw("extends", wanted.where, f"{path} has no service {wanted.value}", chain[-1])
            return None
        if wanted.value in chain[1:]:
            self.flaw("extends", wanted.where, f"{wanted.value} extends itself", chain[-1])
            return None
        return self._service(wanted.value, services, path, scope, chain)

    def _other(self, path: str, scope: interpolate.Scope, where: Where) -> Map | None:
        if self.files.kind(path) != "file":
            self.flaw("missing-file", where, f"there is no file {path}")
            return None
        self.bases.setdefault(path, parent(path))
        return self._root(path, scope)

    def _included(self, root: Map, base: str, scope: interpolate.Scope, depth: int) -> Map:
        entries = root.get("include")
        if not isinstance(entries, Seq) or depth > MAX_CHAIN or self.steps > MAX_STEPS:
            return root
        found: Node = Map(root.where)
        for entry in entries.items:
            self.steps += 1
            if self.steps > MAX_STEPS:
                break
            part = self._include(entry, base, scope, depth)
            self._conflicts(found, part)
            found = merge.tree(found, part) or found
        own = replace(root, items={k: v for k, v in root.items.items() if k != "include"})
        self._conflicts(found, own)
        merged = merge.tree(found, own)
        return merged if isinstance(merged, Map) else root

    def _conflicts(self, one: Node, other: Node) -> None:
        first, second = (n.get("services") if isinstance(n, Map) else None for n in (one, other))
        if not isinstance(first, Map) or not isinstance(second, Map):
            return
        for name in first.items.keys() & second.items.keys():
            if (
                first.items[name] is not second.items[name]
                and first.keys[name] != second.keys[name]
            ):
                self.flaw("include", second.keys[name],
                          f"the service {name} is also in {first.keys[name].file}, which is "
                          "included: Compose refuses that", name)  # fmt: skip

    def _include(self, entry: Node, base: str, scope: interpolate.Scope, depth: int) -> Map:
        where = entry.where
        long = entry if isinstance(entry, Map) else Map(where, {"path": entry})
        paths = [s for s in tree.scalars(long.get("path")) if HOLE not in s.text]
        files = [join(base, s.value) for s in paths]
        present = []
        for path, said in zip(files, paths, strict=True):
            if path in self.including:
                self.flaw("include", said.where, f"{path} includes itself")
            elif self.files.kind(path) == "file":
                present.append(path)
            elif "://" not in said.text:
                self.flaw("missing-file", said.where, f"there is no file {path} to include")
        if not present:
            return Map(where)
        chosen = long.get("project_directory")
        folder = join(base, chosen.value) if isinstance(chosen, Scalar) else parent(present[0])
        own = self._include_scope(long, base, folder, scope)
        before, self.including = self.including, (*self.including, *present)
        try:
            return self.load(present, folder, own, depth + 1)
        finally:
            self.including = before

    def _include_scope(
        self, entry: Map, base: str, folder: str, scope: interpolate.Scope
    ) -> interpolate.Scope:
        named = [join(base, s.value) for s in tree.scalars(entry.get("env_file"))]
        values: dict[str, Setting] = {}
        for path in named or [join(folder, ".env")]:
            text = self.files.read(path) if self.files.kind(path) == "file" else None
            if text is not None:
                values |= dotenv.parse(text, file=path, scope=scope).values
        return {**values, **scope} if values else scope


def environment(files: Files, folder: str) -> tuple[EnvFile | None, EnvFile | None]:
    """Return ``.env`` and the example beside it, as far as they are there."""
    own = _env_file(files, join(folder, ".env"), "env")
    for here in (folder, *_above(files, folder)):
        for name in EXAMPLES:
            example = _env_file(files, join(here, name), "example")
            if example is not None:
                return own, example
    return own, None


def _above(files: Files, folder: str) -> tuple[str, ...]:
    """The folder above, where a compose file lies in a folder for itself: docker/, infra/.

    Compose takes the .env of where it is called too, which is there.
    """
    inside = folder not in ("", ".", "..", "/") and files.kind(join(folder, ".git")) is None
    return (parent(folder),) if inside else ()


def _env_file(files: Files, path: str, source: str) -> EnvFile | None:
    if files.kind(path) != "file":
        return None
    text = files.read(path)
    return None if text is None else dotenv.parse(text, file=path, source=source)


def scope_of(own: EnvFile | None, example: EnvFile | None, name: str) -> Mapping[str, Setting]:
    """Return what variables are filled in with: ``.env``, or what its example proposes."""
    project = {"COMPOSE_PROJECT_NAME": Setting(name, "env", Where("", 1, 1))}
    if own is not None:
        return {**project, **own.values}
    proposed = example.values if example else {}
    return {**project, **{k: v for k, v in proposed.items() if v.value}}
