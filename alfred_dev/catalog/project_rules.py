"""What an alfred.yaml must not say, though its form is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from alfred_dev.catalog import topology_schema
from alfred_dev.catalog.model import Catalog
from alfred_dev.catalog.schema import Document, did_you_mean

# Variables by which a process is what it is: not for a project to set.
RESERVED = re.compile(
    r"PATH|HOME|USER|SHELL|PYTHON.*|LD_.*|DYLD_.*|ALFRED_EMBEDDED|ALFRED_ENGINE_.*"
)


def check(mine: Document, known: Mapping[str, bool]) -> None:
    """Note what the schema cannot say."""
    for key in mine.data.get("settings") or {}:
        if key not in known:
            mine.problem(f"unknown setting {key}{did_you_mean(key, known)}", "settings", key)
        elif known[key]:
            mine.problem(f"{key} is a secret: it belongs into .env", "settings", key)
    for name, entry in (mine.data.get("services") or {}).items():
        _service(name, entry or {}, mine, known)
    topology_schema.check(mine)
    gateway = mine.data.get("gateway") or {}
    for one, other in (("cert", "key"), ("key", "cert")):
        if one in gateway and other not in gateway:
            mine.problem(f"gateway.{one} needs gateway.{other}", "gateway", one)


def platform(mine: Document, no_checkout: Callable[[str], str]) -> None:
    """Note a path that leads to no checkout of the platform."""
    path = mine.data.get("platform")
    if isinstance(path, str) and (why := no_checkout(path)):
        mine.problem(f"platform: {why}", "platform")


def contradictions(services: Mapping[str, Any], mine: Document) -> None:
    """Note beside other mistakes what the rules would say, could a catalog be built."""
    owners: dict[int, str] = {}
    for name, entry in services.items():
        for dependency in entry.get("depends_on") or ():
            if dependency not in services:
                hint = did_you_mean(dependency, services)
                message = f"{name} depends on {dependency}, which does not exist{hint}"
                mine.problem(message, "services", name, "depends_on", dependency)
        for i, row in enumerate(entry.get("ports") or ()):
            other = owners.setdefault(row.get("host"), name)
            if other != name and isinstance(row.get("host"), int):
                message = f"port {row['host']} is claimed by {other} and {name}"
                mine.problem(message, "services", name, "ports", i)


def versions(mine: Document, catalog: Catalog) -> None:
    """Note versions of services that are not there."""
    for name, targets in (mine.data.get("versions") or {}).items():
        for version, target in (targets or {}).items():
            for service, path in (
                (name, ("versions", name)),
                (target, ("versions", name, version)),
            ):
                if service not in catalog.services:
                    hint = did_you_mean(service, catalog.services)
                    mine.problem(f"there is no service {service}{hint}", *path)


def _service(
    name: str, entry: Mapping[str, Any], mine: Document, known: Mapping[str, bool]
) -> None:
    given = [(key, "env", key) for key in entry.get("env") or {} if known.get(key)]
    given += [(key, "env", key) for key in entry.get("env") or {} if RESERVED.fullmatch(key)]
    for i, variable in enumerate(entry.get("variables") or ()):
        names = (str(key) for key in variable.get("names") or ())
        given += [(k, "variables", i) for k in names if k in known or RESERVED.fullmatch(k)]
    for key, *path in given:
        mine.problem(f"{key} is not for a project to set", "services", name, *path)
    if entry.get("host_port") and entry.get("from"):
        message = f"{name} is run by you (host_port), so it comes from nowhere else"
        mine.problem(message, "services", name, "from")
