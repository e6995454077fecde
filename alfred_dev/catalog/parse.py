"""services.yaml -> Catalog. Every mistake and contradiction at once, with file:line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alfred_dev.catalog import rules, topology_schema
from alfred_dev.catalog.model import (
    Binary,
    Catalog,
    Condition,
    Container,
    Engine,
    Port,
    PortRange,
    ProbeKind,
    Profile,
    Service,
    Tier,
    Variable,
)
from alfred_dev.catalog.schema import Flag, ListOf, MapOf, Record, Spec, Text, Whole, read
from alfred_dev.errors import ConfigError, Problem, Where

WhereOf = Callable[..., Where]

PORT_NUMBER = Whole("a port", 1, 65535)
NAMES = ListOf("names", Text("a name"))
ID = r"[a-z][a-z0-9-]{0,40}"
VARIABLE = r"[A-Z][A-Z0-9_]*"

PORT = Record(
    "a row of the port map",
    {
        "host": PORT_NUMBER,
        "container": PORT_NUMBER,
        "protocol": Text("how people name the protocol"),
        "purpose": Text("what it is for, in a few words"),
        "range": Text("a standard range", nullable=True),
        "outside_range": Text("why it lies outside its range"),
        "title": Text("the row's own name"),
        "probe": Text("how to ask for health", choices=tuple(ProbeKind)),
        "path": Text("a path that begins with /", pattern=r"/\S*"),
        "instead": PORT_NUMBER,
    },
    frozenset({"host", "container", "protocol", "purpose", "range", "probe"}),
)
BINARY = Record(
    "a real server on PATH",
    {
        "programs": NAMES,
        "beside": MapOf("program: path relative to its folder", Text("a path")),
        "requires": NAMES,
        "home": ListOf("folders", Text("a path")),
        "version": ListOf("arguments", Text("an argument")),
        "arguments": ListOf("arguments", Text("an argument")),
        "environment": MapOf("variables", Text("a value"), VARIABLE),
    },
    frozenset({"programs", "arguments"}),
)
# What renderers write and a container may read.
MOUNTED = r"prometheus/(prometheus|rules)\.yml|grafana/(provisioning|dashboards)"
# What an entry point needs that starts as root and steps down. No project can ask for more.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
INSIDE = Text("an absolute path in the container", pattern=r"/[\w./-]+")
SIZE = Text("a size such as 512m", pattern=r"[1-9][0-9]*[kmg]")
CONTAINER = Record(
    "what is known of its usual image",
    {
        "command": ListOf("arguments", Text("an argument")),
        "user": Text("a user of the image", pattern=r"[\w:-]+"),
        "environment": MapOf("variables", Text("a value"), VARIABLE),
        "volume": INSIDE,
        "mounts": MapOf("rendered file or folder: its path inside", INSIDE, MOUNTED),
        "health": ListOf("arguments", Text("an argument")),
        "cap_add": ListOf("capabilities", Text("a capability", choices=CAPABILITIES)),
        "memory": SIZE,
        "shm": SIZE,
        "stop_signal": Text("a signal", pattern=r"SIG[A-Z]+"),
    },
)
SOURCES = ("checkout", "image", "binary", "embedded", "stand-in")
# The parts of the platform's API that stand-ins play.
API = ("tasks", "events", "work", "rag", "models", "ask", "chat")
SERVICE_FIELDS: dict[str, Spec] = {
    "title": Text("a name for people"),
    "tier": Text("a tier", choices=tuple(Tier)),
    "profile": Text("a profile", choices=tuple(Profile)),
    "ports": ListOf("ports", PORT),
    "depends_on": MapOf(
        "service: condition", Text("a condition", choices=tuple(Condition)), offers="services"
    ),
    "variables": ListOf(
        "endpoints it tells others",
        Record(
            "a variable",
            {
                "names": ListOf("names", Text("a variable", pattern=VARIABLE)),
                "value": Text("a value"),
                "port_index": Whole("which port, from 0", 0, 9),
            },
            frozenset({"names", "value"}),
        ),
    ),
    "needs": ListOf("variables", Text("a variable", pattern=VARIABLE)),
    "uses": ListOf("variables it can do without", Text("a variable", pattern=VARIABLE)),
    "settings": ListOf("settings", Text("a setting", pattern=VARIABLE)),
    "client": MapOf("variables", Text("a value"), VARIABLE),
    "aliases": ListOf("other names", Text("a name", pattern=ID)),
    "api": ListOf("parts of the API", Text("a part", choices=API)),
    "image": Text(
        "an image pinned to a version", pattern=r"([a-z0-9.-]+:[0-9]{1,5}/)?[a-z0-9._/-]+:[\w.-]+"
    ),
    "context": Text("a folder of a platform checkout"),
    "binary": BINARY,
    "container": CONTAINER,
    "engine": Text("whether the embedded engine comes before a real server", choices=tuple(Engine)),
    "durable": Flag("whether it keeps data"),
    "hosts": ListOf("labels before the domain", Text("a label", pattern=ID)),
    "tunnelable": Flag("whether a tunnel may show it to the world"),
    "routes": ListOf(
        "where the API has it", Text("a path", pattern=r"/([a-z0-9-]+/)*([a-z0-9]+\.)?")
    ),
    "timeout_s": Whole("seconds for a whole answer", 1, 86_400),
    "metrics": MapOf(
        "where it tells Prometheus its figures, by source",
        Text("a path", pattern=r"/\S*"),
        "|".join(SOURCES),
    ),
    "connections": Whole("how many the gateway opens", 1, 10_000),
    "csp": MapOf("what its pages need, by directive", Text("sources"), r"[a-z-]+-src"),
}
# A helper is no part of the platform: no profile selects it, and no project adds one.
HELPER = Record(
    "a helper",
    {
        **{name: s for name, s in SERVICE_FIELDS.items() if name not in ("profile", "context")},
        "networked": Flag("whether it stands in the containers' network where there is one"),
    },
    frozenset({"title", "tier", "ports"}),
)
SERVICE = Record("a service", SERVICE_FIELDS, frozenset({"title", "tier", "profile", "ports"}))
CATALOG = Record(
    "the catalog",
    {
        "ranges": MapOf(
            "standard port ranges",
            Record(
                "a range",
                {"first": PORT_NUMBER, "last": PORT_NUMBER},
                frozenset({"first", "last"}),
            ),
        ),
        "services": MapOf("services", SERVICE, ID),
        "helpers": MapOf("helpers", HELPER, ID),
    },
    frozenset({"ranges", "services"}),
)


def parse(text: str, *, source: str) -> Catalog:
    """Read a catalog. Raises ConfigError with every mistake and contradiction in it."""
    document = read(text, CATALOG, file=source)
    if document.problems:
        raise ConfigError("the catalog cannot be read", document.problems)
    catalog = build(document.data, document.where, source=source)
    found = [*rules.breaches(catalog), *rules.warnings(catalog)]
    if found:
        raise ConfigError("the catalog contradicts itself", problems(found))
    return catalog


def problems(found: Iterable[rules.Breach]) -> list[Problem]:
    """Return breaches as problems."""
    return [Problem(w.file, w.line, w.column, message) for w, message in found]


def build(data: Mapping[str, Any], where: WhereOf, *, source: str) -> Catalog:
    """Make the nouns from checked data. ``where``: the place of a path in it."""
    return Catalog(
        services={
            name: _service(name, entry, lambda *path, name=name: where("services", name, *path))
            for name, entry in data["services"].items()
        },
        helpers={
            name: _service(name, entry, lambda *path, name=name: where("helpers", name, *path))
            for name, entry in data.get("helpers", {}).items()
        },
        ranges=tuple(PortRange(name=name, **bounds) for name, bounds in data["ranges"].items()),
        source=source,
        topology=topology_schema.build(data.get("pubsub") or {}),
    )


def _service(name: str, entry: Mapping[str, Any], where: WhereOf) -> Service:
    profile = entry.get("profile")
    return Service(
        id=name,
        title=entry["title"],
        tier=Tier(entry["tier"]),
        profile=Profile(profile) if profile else None,
        helper=profile is None,
        networked=entry.get("networked", False),
        hosts=tuple(entry.get("hosts", ())),
        routes=tuple(entry.get("routes", ())),
        timeout_s=entry.get("timeout_s", 60),
        connections=entry.get("connections", 256),
        metrics=entry.get("metrics", {}),
        csp=entry.get("csp", {}),
        ports=tuple(
            Port(**{**port, "probe": ProbeKind(port["probe"])}, where=where("ports", i))
            for i, port in enumerate(entry["ports"])
        ),
        depends_on={k: Condition(v) for k, v in entry.get("depends_on", {}).items()},
        variables=tuple(
            Variable(**{**variable, "names": tuple(variable["names"])}, where=where("variables", i))
            for i, variable in enumerate(entry.get("variables", ()))
        ),
        needs=tuple(entry.get("needs", ())),
        uses=tuple(entry.get("uses", ())),
        settings=tuple(entry.get("settings", ())),
        client=entry.get("client", {}),
        aliases=tuple(entry.get("aliases", ())),
        api=tuple(entry.get("api", ())),
        image=entry.get("image"),
        context=entry.get("context"),
        binary=_binary(entry["binary"]) if "binary" in entry else None,
        container=_container(entry.get("container", {})),
        engine=Engine(entry["engine"]) if "engine" in entry else None,
        durable=entry.get("durable", False),
        tunnelable=entry.get("tunnelable", False),
        ends=entry.get("ends", False),
        source=entry.get("from"),
        host_port=entry.get("host_port"),
        env=entry.get("env", {}),
        where=where(),
    )


def _binary(entry: Mapping[str, Any]) -> Binary:
    return Binary(
        programs=tuple(entry["programs"]),
        arguments=tuple(entry["arguments"]),
        environment=entry.get("environment", {}),
        beside=entry.get("beside", {}),
        requires=tuple(entry.get("requires", ())),
        home=tuple(entry.get("home", ())),
        version=tuple(entry.get("version", ())),
    )


def _container(entry: Mapping[str, Any]) -> Container:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Container(**fields)
