"""alfred.yaml: what one project overrides and adds. Read, merged with the catalog, checked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any

from alfred_dev.access import Limits
from alfred_dev.catalog import project_rules, rules, topology_schema
from alfred_dev.catalog.model import Catalog, ProbeKind, Profile
from alfred_dev.catalog.parse import (
    CATALOG,
    ID,
    PORT,
    PORT_NUMBER,
    SERVICE_FIELDS,
    SOURCES,
    VARIABLE,
    build,
    problems,
)
from alfred_dev.catalog.schema import (
    Document,
    Flag,
    ListOf,
    MapOf,
    Path,
    Record,
    Spec,
    Text,
    Whole,
    did_you_mean,
    read,
)
from alfred_dev.errors import ConfigError, Problem, Where

FILE = "alfred.yaml"
SCHEMA_PATH = ".alfred/alfred.schema.json"  # relative to alfred.yaml
# What only the catalog decides: it says what our own code can do.
NOT_OVERRIDDEN = ("engine", "api", "hosts")

PROJECT_SERVICE_FIELDS: dict[str, Spec] = {
    **{name: spec for name, spec in SERVICE_FIELDS.items() if name not in NOT_OVERRIDDEN},
    "ports": ListOf("rows of the port map, merged with the catalog's by place",
                    Record(PORT.about, {k: v for k, v in PORT.fields.items() if k != "instead"})),
    "from": Text("where it must come from", choices=SOURCES),
    "host_port": PORT_NUMBER,
    "ends": Flag("whether it is a task: it needs no ports, and is well when it has ended well"),
    "env": MapOf("variables for it", Text("a value"), VARIABLE),
    "health": Record(
        "how to ask its first port for health",
        {
            "probe": Text("a protocol", choices=tuple(ProbeKind)),
            "path": Text("a path that begins with /", pattern=r"/\S*"),
        },
    ),
}  # fmt: skip
PROJECT_SERVICE = Record("a service", PROJECT_SERVICE_FIELDS)
ORIGIN = r"https?://[a-z0-9.-]+(:[0-9]+)?"
LIMITS = tuple(f.name for f in fields(Limits))
LIMIT = Whole("requests a minute", 1, 10_000_000)
PROJECT = Record(
    "a project of alfred-dev",
    {
        "platform": Text("the folder of a checkout of the platform"),
        "domain": Text("a domain", pattern=r"[a-z0-9-]+(\.[a-z0-9-]+)+"),
        "profiles": ListOf("what up starts", Text("a profile", choices=tuple(Profile))),
        "network": Record(
            "the containers' network",
            {"isolation": Text("who reaches whom", choices=("flat", "tiers"))},
        ),
        "settings": MapOf(
            "settings that are no secrets", Text("a value"), VARIABLE, offers="settings"
        ),
        "postgres": Record(
            "the database",
            {"initial_sql": ListOf("files to run once in a new database", Text("a path"))},
        ),
        "services": MapOf("services, by id", PROJECT_SERVICE, ID, offers="services"),
        "gateway": Record(
            "the gateway",
            {
                "cert": Text("a certificate chain of your own (PEM)"),
                "key": Text("its key (PEM)"),
                "origins": ListOf("pages that may call the API", Text("an origin", pattern=ORIGIN)),
                "limits": Record("requests a minute", dict.fromkeys(LIMITS, LIMIT)),
            },
        ),
        "tunnels": Record(
            "tunnels", {"on_open": Text("a command that gets each new public URL, as JSON")}
        ),
        "pubsub": topology_schema.SPEC,
        "versions": MapOf(
            "services by the version that x-api-version names",
            MapOf("version: service", Text("the id of a service", pattern=ID), r"[1-9][0-9]{0,3}"),
            ID,
            offers="services",
        ),
    },
)
DEFAULTS: Mapping[str, Any] = {"tier": "application", "profile": "agents"}
PORT_DEFAULTS: Mapping[str, Any] = {
    "protocol": "HTTP",
    "purpose": "added by the project",
    "range": None,
    "probe": "http",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What alfred.yaml says besides services. ``settings``: key -> (text, ``file:line``).

    ``certificate``: paths of a chain and its key, for a gateway with a certificate of its own;
    ``on_open``: a command to run when a tunnel has got its URL; ``initial_sql``: paths of files to
    run once in a new database.
    """

    platform: str | None = None
    domain: str | None = None
    isolation: str = "flat"
    profiles: tuple[Profile, ...] = ()
    settings: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    present: bool = False
    certificate: tuple[str, str] | None = None
    origins: tuple[str, ...] = ()
    limits: Limits = Limits()
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    on_open: str = ""
    initial_sql: tuple[tuple[str, Where], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The merged catalog, the rest of alfred.yaml, and what deserves a warning."""

    catalog: Catalog
    project: Project
    warnings: tuple[Problem, ...] = ()
    documents: tuple[Document, ...] = ()

    def given(self, path: Path) -> list[tuple[str, str]]:
        """Return the scalar at ``path`` and its place in each file that gives it, winner first."""
        found = []
        for document in self.documents:
            value = document.data
            for part in path:
                inside = isinstance(value, dict) and part in value
                at = isinstance(value, list) and isinstance(part, int) and part < len(value)
                value = value[part] if inside or at else None
            if path in document.marks and not isinstance(value, dict | list):
                found.append((str(value), f"{document.file}:{document.mark(*path)[0]}"))
        return found


def load(
    catalog_text: str,
    project_text: str | None,
    *,
    source: str,
    known_settings: Mapping[str, bool],
    no_checkout: Callable[[str], str] = lambda _: "",
) -> Loaded:
    """Merge alfred.yaml into the catalog. ``known_settings``: key -> whether it is a secret;
    ``no_checkout``: says why a path leads to no checkout of the platform, nothing where it does.

    Raises ConfigError with every mistake in alfred.yaml at once.
    """
    base = _catalog(catalog_text, source)
    if base.problems:
        raise ConfigError("the catalog cannot be read", base.problems)
    mine = read(project_text or "", PROJECT, file=FILE)
    if isinstance(mine.data, dict):
        project_rules.check(mine, known_settings)
        project_rules.platform(mine, no_checkout)
        data = merged(base.data, mine)
        if mine.problems:
            project_rules.contradictions(data["services"], mine)
    if mine.problems:
        raise ConfigError(f"{FILE} cannot be used", mine.problems)

    def where(*path: str | int) -> Where:
        return mine.where(*path) if path in mine.marks else base.where(*path)

    catalog = build(data, where, source=source)
    project_rules.versions(mine, catalog)
    if mine.problems:
        raise ConfigError(f"{FILE} cannot be used", mine.problems)
    breaches = [*rules.breaches(catalog), *rules.unknown_names(catalog, known_settings)]
    if breaches:
        raise ConfigError(f"{FILE} contradicts the catalog or itself", problems(breaches))
    return Loaded(
        catalog=catalog,
        project=_project(mine, present=project_text is not None),
        warnings=tuple(problems(rules.warnings(catalog))),
        documents=(mine, base),
    )


@functools.lru_cache(maxsize=1)
def _catalog(text: str, source: str) -> Document:
    """Return the catalog's document, which nothing changes: it is read several times a command."""
    return read(text, CATALOG, file=source)


def _project(mine: Document, *, present: bool) -> Project:
    data = mine.data
    gateway = data.get("gateway", {})
    return Project(
        platform=data.get("platform"),
        domain=data.get("domain"),
        isolation=(data.get("network") or {}).get("isolation", "flat"),
        profiles=tuple(Profile(name) for name in data.get("profiles", ())),
        settings={
            key: (text, f"{FILE}:{mine.mark('settings', key)[0]}")
            for key, text in data.get("settings", {}).items()
        },
        present=present,
        certificate=(gateway["cert"], gateway["key"]) if "cert" in gateway else None,
        origins=tuple(gateway.get("origins", ())),
        limits=Limits(**gateway.get("limits", {})),
        versions=data.get("versions", {}),
        on_open=data.get("tunnels", {}).get("on_open", ""),
        initial_sql=tuple(
            (path, mine.where("postgres", "initial_sql", index))
            for index, path in enumerate(data.get("postgres", {}).get("initial_sql", ()))
        ),
    )


def merged(base: Mapping[str, Any], mine: Document) -> dict[str, Any]:
    """Return the catalog's data with the project's on top; mistakes are noted in ``mine``."""
    result: dict[str, Any] = deepcopy(dict(base))
    for name, entry in (mine.data.get("services") or {}).items():
        old = result["services"].get(name, {**DEFAULTS, "title": name})
        result["services"][name] = _entry(name, old, entry or {}, mine, base["services"])
    result["pubsub"] = mine.data.get("pubsub")
    return result


def _entry(
    name: str,
    old: Mapping[str, Any],
    entry: Mapping[str, Any],
    mine: Document,
    known: Iterable[str],
) -> dict[str, Any]:
    path = ("services", name)
    new = {**old, **{k: v for k, v in entry.items() if k not in ("ports", "health")}}
    new["ports"] = _ports(name, old.get("ports", ()), entry.get("ports"), mine)
    task = entry.get("ends", False)
    if (
        name not in known and new["profile"] == Profile.AGENTS and not task
    ):  # agents are there to be called
        new.setdefault("routes", [f"/agents/{name.removeprefix('agent-')}/"])
    if name in known and entry.get("tunnelable") and not old.get("tunnelable"):
        mine.problem(f"{name} is never shown to the world", *path, "tunnelable")
    if not new["ports"] and "ports" not in entry and not task:
        hint = did_you_mean(name, known)
        mine.problem(f"{name} is not in the catalog{hint}; a new service needs ports", *path)
    if "health" in entry and new["ports"]:
        new["ports"] = [{**new["ports"][0], **entry["health"]}, *new["ports"][1:]]
    return new


def _ports(
    name: str, old: Iterable[Mapping[str, Any]], rows: list[Any] | None, mine: Document
) -> list[dict[str, Any]]:
    """Merge rows by place: a row that is there is overridden, one that is not is added."""
    known = [dict(row) for row in old]
    for i, row in enumerate(rows or ()):
        if i < len(known):
            known[i] |= row
        elif "host" not in row:
            mine.problem("a port needs host", "services", name, "ports", i)
        else:
            known.append({**PORT_DEFAULTS, "container": row["host"], **row})
    return known
