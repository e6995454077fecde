"""A compose project as rules see it: merged, filled in, every value with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alfred_dev.errors import Problem, Where
from alfred_dev.lint.interpolate import Setting
from alfred_dev.lint.ports import Port
from alfred_dev.lint.tree import HOLE, Map, Ref, Scalar

if TYPE_CHECKING:
    from alfred_dev.lint.dockerfile import Dockerfile
    from alfred_dev.lint.dotenv import EnvFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of a container. ``text`` is None when it is passed on from the caller's own.

    ``origin``: compose, env_file, or image (an ENV line of the Dockerfile).
    """

    name: str
    text: str | None
    where: Where
    refs: tuple[Ref, ...] = ()
    origin: str = "compose"

    @property
    def value(self) -> str:
        """The text as the container gets it."""
        return (self.text or "").replace(HOLE, "")

    @property
    def known(self) -> bool:
        """Whether nothing of the value is open."""
        return self.text is not None and HOLE not in self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``command`` or ``entrypoint``, as words: a text is split as Compose splits it."""

    words: tuple[str, ...]
    where: Where
    text: str
    places: tuple[Where, ...] = ()

    def place(self, index: int) -> Where:
        """Return where word number ``index`` stands."""
        return self.places[index] if index < len(self.places) else self.where


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A health check. ``words``: of its CMD form; ``script``: of its shell form; else disabled."""

    words: tuple[str, ...]
    script: str | None
    disabled: bool
    where: Where
    place: Where  # the line of the test itself

    @property
    def text(self) -> str:
        """The check as one text."""
        return self.script if self.script is not None else " ".join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """An entry of ``depends_on``."""

    condition: str
    required: bool
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume of a service. ``kind``: bind, volume or tmpfs; ``path``: a bind's, resolved."""

    kind: str
    source: str
    target: str
    where: Where
    path: str | None = None
    creates: bool = True  # Docker makes the folder when it is not there
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an image is made. ``context`` is None when it is no folder of this machine."""

    context: str | None
    dockerfile: str | None
    inline: bool
    args: Mapping[str, Scalar]
    target: str | None
    where: Where
    dockerfile_where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFileUse:
    """An ``env_file`` entry."""

    path: str
    required: bool
    where: Where
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """One service. Absent means absent."""

    name: str
    where: Where
    node: Map
    image: Scalar | None = None
    build: Build | None = None
    ports: tuple[Port, ...] = ()
    expose: tuple[int, ...] = ()
    environment: Mapping[str, Variable] = field(default_factory=dict)
    env_files: tuple[EnvFileUse, ...] = ()
    proposed: Mapping[str, Variable] = field(default_factory=dict)  # by examples of its env files
    depends_on: Mapping[str, Dependency] = field(default_factory=dict)
    networks: Mapping[str, Where] = field(default_factory=dict)
    aliases: Mapping[str, Where] = field(default_factory=dict)
    network_mode: str | None = None
    mounts: tuple[Mount, ...] = ()
    health: Health | None = None
    command: Command | None = None
    entrypoint: Command | None = None
    profiles: tuple[str, ...] = ()
    dockerfile: Dockerfile | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)  # its start scripts: path -> text
    configs: Mapping[str, str] = field(default_factory=dict)  # mounted: path inside -> text

    def text(self, key: str) -> str | None:
        """Return a simple value of the service, or None."""
        found = self.node.get(key)
        return found.value if isinstance(found, Scalar) and not found.null else None

    def at(self, key: str) -> Where:
        """Return where ``key`` stands in the service."""
        return self.node.keys.get(key, self.where)

    @property
    def names(self) -> frozenset[str]:
        """Every name under which others on its networks can reach it."""
        own = (self.text(key) for key in ("container_name", "hostname"))
        return frozenset({self.name, *self.aliases, *(n for n in own if n)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A top-level network, volume, secret or config. ``path``: the file it is read from."""

    name: str
    real_name: str | None
    external: bool
    internal: bool
    where: Where
    path: str | None = None
    subnets: tuple[tuple[str, Where], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What reading found. ``kind``: yaml, interpolation, missing-file, extends, include, shape."""

    kind: str
    problem: Problem
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Project:
    """Files that are one project, merged. ``why``: how it was found out that they are."""

    name: str
    folder: str
    files: tuple[str, ...]
    why: str
    services: Mapping[str, Service] = field(default_factory=dict)
    networks: Mapping[str, Resource] = field(default_factory=dict)
    volumes: Mapping[str, Resource] = field(default_factory=dict)
    secrets: Mapping[str, Resource] = field(default_factory=dict)
    configs: Mapping[str, Resource] = field(default_factory=dict)
    root: Map | None = None
    flaws: tuple[Flaw, ...] = ()
    env: EnvFile | None = None
    example: EnvFile | None = None
    scope: Mapping[str, Setting] = field(default_factory=dict)
    kinds: Mapping[str, str | None] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    mentioned: frozenset[str] | None = None  # words of the files beside it; None: not looked
    overlay: str | None = None  # the file that is laid over others, where there is one
    profiles: tuple[str, ...] = ()
    others: Mapping[str, tuple[Service, ...]] = field(default_factory=dict)  # by further names

    def kind(self, path: str) -> str | None:
        """Return what stands at a path that the project names."""
        return self.kinds.get(path)

    def named(self, host: str) -> tuple[Service, ...]:
        """Return the services that answer to ``host``: the one of that very name before all."""
        if host in self.services:
            return (self.services[host],)
        return self.others.get(host, ())
