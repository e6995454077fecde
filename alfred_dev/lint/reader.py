"""Paths -> Projects: finds the files, loads them, and looks at what they name. The room's edge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from alfred_dev.lint import build, discover, dockerfile, dotenv, interpolate, loading
from alfred_dev.lint.files import Files, join, named, parent
from alfred_dev.lint.model import Mount, Project, Service, Variable
from alfred_dev.lint.tree import Map, Ref, Scalar

CONFIGS = (".conf", ".yml", ".yaml", ".cfg", ".ini", ".toml", ".json", ".sql", ".sh", ".template",
           ".acl", ".js", ".properties")  # fmt: skip
MAX_CONFIG = 200_000
MAX_CONFIGS = 40
SCRIPT = re.compile(r"[\w./-]+\.sh\b|[\w./-]*entrypoint[\w.-]*")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
SOURCES = re.compile(r"(^\.?env)|\.(md|rst|lock|svg|csv|txt|log|map|min\.js|sum)$|package-lock")
MAX_SOURCES = 1_500
MAX_SOURCE_BYTES = 12_000_000


def projects(files: Files, paths: Sequence[str]) -> tuple[Project, ...]:
    """Read every project in the named files and folders."""
    words = _Words(files)
    return tuple(project(files, group, words) for group in discover.groups(files, paths))


def project(files: Files, group: discover.Group, words: _Words | None = None) -> Project:
    """Read one project."""
    folder = parent(group.files[0])
    name = named(folder) or "project"
    own, example = loading.environment(files, folder)
    scope = loading.scope_of(own, example, name)
    loader = loading.Loader(files, folder)
    loader.including = group.files
    root = loader.load(group.files, folder, scope)
    services = {k: _looked(files, v, scope) for k, v in _services(loader, root)}
    stated = root.get("name")
    found = Project(
        name=stated.value if isinstance(stated, Scalar) and stated.value else name,
        folder=folder,
        files=tuple(dict.fromkeys((*group.files, *loader.read))),
        why=group.why,
        overlay=group.overlay,
        root=root,
        services=services,
        others=_by_name(services),
        flaws=tuple(dict.fromkeys(loader.flaws)),
        env=own,
        example=example,
        scope=scope,
        ignored=_ignored(files, folder),
        profiles=_active(scope),
        networks=build.resources(root.get("networks"), loader.locate),
        volumes=build.resources(root.get("volumes"), loader.locate),
        secrets=build.resources(root.get("secrets"), loader.locate),
        configs=build.resources(root.get("configs"), loader.locate),
    )
    mentioned = words.of(folder) if words and (own or example) else None
    return replace(found, kinds=_kinds(files, found), mentioned=mentioned)


def _active(scope: interpolate.Scope) -> tuple[str, ...]:
    chosen = scope.get("COMPOSE_PROFILES")
    return tuple(p.strip() for p in chosen.value.split(",") if p.strip()) if chosen else ()


def _services(loader: loading.Loader, root: Map) -> Iterator[tuple[str, Service]]:
    section = root.get("services")
    if section is not None and not isinstance(section, Map):
        if not (isinstance(section, Scalar) and section.null):
            loader.flaw("shape", section.where, "services must be a mapping")
        return
    if section is None:
        return
    for name, node in section.items.items():
        if isinstance(node, Map):
            yield name, build.service(name, section.keys[name], node, loader.locate)
        else:
            loader.flaw("shape", section.keys[name], f"the service {name} must be a mapping", name)


def _by_name(services: Mapping[str, Service]) -> dict[str, tuple[Service, ...]]:
    found: dict[str, tuple[Service, ...]] = {}
    for service in services.values():
        for name in service.names - {service.name}:
            if len(found.get(name, ())) < 10:
                found[name] = (*found.get(name, ()), service)
    return found


def _looked(files: Files, service: Service, scope: interpolate.Scope) -> Service:
    """Add what lies in the files that a service names."""
    passed = dict(_passed(files, service))
    proposed = dict(_proposed(files, service))
    found = _dockerfile(files, service)
    configs = dict(_configs(files, service.mounts))
    scripts = dict(_scripts(files, service, found))
    own = {k: _from_outside(v, scope) for k, v in service.environment.items()}
    merged = {**passed, **own}
    proposed = {k: v for k, v in proposed.items() if k not in merged}
    return replace(
        service,
        environment=merged,
        proposed=proposed,
        dockerfile=found,
        configs=configs,
        scripts=scripts,
    )


def _from_outside(variable: Variable, scope: interpolate.Scope) -> Variable:
    """``- NAME``: its value comes from .env or the caller's own environment."""
    setting = scope.get(variable.name)
    if variable.text is not None or setting is None:
        return variable
    ref = Ref(variable.name, "", "", setting.source, variable.where)
    return replace(variable, text=setting.value, refs=(ref,))


def _passed(files: Files, service: Service) -> Iterator[tuple[str, Variable]]:
    for use in service.env_files:
        yield from _variables(files, use.path)


def _proposed(files: Files, service: Service) -> Iterator[tuple[str, Variable]]:
    """What the examples say that whoever runs this is meant to copy."""
    for use in service.env_files:
        if files.kind(use.path) == "file":
            continue
        paths = (join(parent(use.path), name) for name in _examples(use.path))
        yield from _variables(files, next((p for p in paths if files.kind(p) == "file"), use.path))


def _variables(files: Files, path: str) -> Iterator[tuple[str, Variable]]:
    text = files.read(path) if files.kind(path) == "file" else None
    for name, setting in dotenv.parse(text, file=path).values.items() if text else ():
        yield name, Variable(name=name, text=setting.value, where=setting.where, origin="env_file")


def _dockerfile(files: Files, service: Service) -> dockerfile.Dockerfile | None:
    made = service.build
    if made is None or made.context is None or made.inline:
        return None
    path = join(made.context, made.dockerfile or "Dockerfile")
    text = files.read(path) if files.kind(path) == "file" else None
    if text is None:
        return None
    args = {k: v.value for k, v in made.args.items()}
    return dockerfile.parse(text, path=path, target=made.target, args=args)


def _configs(files: Files, mounts: Sequence[Mount]) -> Iterator[tuple[str, str]]:
    """Yield path inside and text of the small files that are mounted."""
    count = 0
    for mount in mounts:
        if mount.path is None:
            continue
        if files.kind(mount.path) == "file":
            pairs = [(mount.target, mount.path)]
        elif mount.path.count("/") or mount.path not in (".", ""):
            names = [n for n in files.names(mount.path) if n.endswith(CONFIGS)]
            pairs = [(f"{mount.target.rstrip('/')}/{n}", join(mount.path, n)) for n in names]
        else:
            continue
        for inside, path in pairs:
            text = files.read(path) if count < MAX_CONFIGS and files.kind(path) == "file" else None
            if text is not None and len(text) < MAX_CONFIG:
                count += 1
                yield f"{inside}\n{path}", text


def _scripts(
    files: Files, service: Service, found: dockerfile.Dockerfile | None
) -> Iterator[tuple[str, str]]:
    """Yield the start scripts that lie in the build context."""
    made = service.build
    if made is None or made.context is None:
        return
    said = [c.text for c in (service.command, service.entrypoint) if c]
    for name in ("CMD", "ENTRYPOINT"):
        said.extend(found.command(name) or () if found else ())
    names = {m.group().rpartition("/")[2] for text in said for m in SCRIPT.finditer(text[:2000])}
    folders = (made.context, join(made.context, "docker"), join(made.context, "scripts"))
    for name in sorted(names)[:5]:
        for folder in folders:
            path = join(folder, name)
            text = files.read(path) if files.kind(path) == "file" else None
            if text:
                yield path, text
                break


def _kinds(files: Files, found: Project) -> dict[str, str | None]:
    """Look at every path that the project names."""
    return {path: files.kind(path) for path in _paths(found)}


def _paths(found: Project) -> Iterator[str]:
    for service in found.services.values():
        yield from (m.path for m in service.mounts if m.path)
        yield from (use.path for use in service.env_files)
        for use in service.env_files:
            yield from (join(parent(use.path), name) for name in _examples(use.path))
        made = service.build
        if made is not None and made.context is not None:
            yield made.context
            yield join(made.context, made.dockerfile or "Dockerfile")
            yield from _entries(service, made.context)
            if service.dockerfile is not None:
                for _, source in dockerfile.copied(service.dockerfile):
                    yield join(made.context, source)
                    yield from dockerfile.elsewhere(service.dockerfile, made.context, source)
    for section in (found.secrets, found.configs):
        yield from (r.path for r in section.values() if r.path)


def _examples(path: str) -> tuple[str, ...]:
    name = path.rpartition("/")[2]
    return dotenv.examples(name) + (loading.EXAMPLES if name == ".env" else ())


def _entries(service: Service, context: str) -> Iterator[str]:
    said = service.command.words if service.command else ()
    if not said and service.dockerfile:
        said = service.dockerfile.command("CMD") or ()
    yield from (join(context, w) for w in said[:6] if w.endswith((".py", ".js", ".sh", ".ts")))


def _ignored(files: Files, folder: str) -> tuple[str, ...]:
    """Return the patterns of the .gitignore files that hold here."""
    found: list[str] = []
    here = folder
    for _ in range(6):
        text = files.read(join(here, ".gitignore")) or ""
        found.extend(line.strip() for line in text.splitlines()[:500])
        if files.kind(join(here, ".git")):
            break
        above = join(here or ".", "..")
        if (
            files.kind(join(above, ".gitignore")) is None
            and files.kind(join(above, ".git")) is None
        ):
            break
        here = above
    return tuple(p for p in found if p and not p.startswith("#"))


class _Words:
    """The words of all files below a folder, read once: does anything there know a variable?"""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._found: dict[str, frozenset[str] | None] = {}

    def of(self, folder: str) -> frozenset[str] | None:
        """Return the words; None when there is too much to read."""
        if folder not in self._found:
            self._found[folder] = self._read(folder)
        return self._found[folder]

    def _read(self, folder: str) -> frozenset[str] | None:
        found: set[str] = set()
        count = size = 0
        for here in self._files.walk(folder):
            for name in self._files.names(here):
                path = join(here, name)
                if SOURCES.search(name) or self._files.kind(path) != "file":
                    continue
                text = self._files.read(path) or ""
                count, size = count + 1, size + len(text)
                if count > MAX_SOURCES or size > MAX_SOURCE_BYTES:
                    return None
                if "\0" not in text[:1000]:
                    found.update(w for w in WORD.findall(text) if w.isupper())
        return frozenset(found)
