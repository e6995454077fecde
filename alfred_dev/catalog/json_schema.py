"""The schema of alfred.yaml as JSON Schema, so that editors complete and check it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfred_dev.catalog.project import PROJECT, PROJECT_SERVICE
from alfred_dev.catalog.schema import Flag, ListOf, MapOf, Record, Spec, Text, Whole

DRAFT = "http://json-schema.org/draft-07/schema#"  # what YAML language servers speak


# What stands once, and is referred to by every service's name.
SHARED = {"service": PROJECT_SERVICE}
# What editors offer for keys that are free: kind -> name -> what to say of it.
Names = Mapping[str, Mapping[str, str]]


def document(names: Names) -> dict[str, Any]:
    """Return the JSON Schema of alfred.yaml. ``names``: the known ``services`` and ``settings``."""
    shared = {name: _record(spec, names) for name, spec in SHARED.items()}
    top = {"$schema": DRAFT, "title": "alfred.yaml", "definitions": shared}
    return {**top, **of(PROJECT, names)}


def of(spec: Spec, names: Names) -> dict[str, Any]:
    """Return the JSON Schema of one part."""
    match spec:
        case Text():
            return _text(spec)
        case Whole():
            bounds = {"minimum": spec.low, "maximum": spec.high}
            return {"description": spec.about, "type": "integer", **bounds}
        case Flag():
            return {"description": spec.about, "type": "boolean"}
        case ListOf():
            return {"description": spec.about, "type": "array", "items": of(spec.item, names)}
        case MapOf():
            return _map(spec, names)
        case Record():
            return _shared(spec) or _record(spec, names)


def _shared(spec: Record) -> dict[str, Any] | None:
    refs = (f"#/definitions/{name}" for name, shared in SHARED.items() if spec is shared)
    return next(({"$ref": ref} for ref in refs), None)


def _record(spec: Record, names: Names) -> dict[str, Any]:
    return {
        "description": spec.about,
        "type": "object",
        "properties": {name: of(part, names) for name, part in spec.fields.items()},
        "required": sorted(spec.required),
        "additionalProperties": False,
    }


def _map(spec: MapOf, names: Names) -> dict[str, Any]:
    value = of(spec.item, names)
    known = names.get(spec.offers, {})
    return {
        "description": spec.about,
        "type": "object",
        "properties": {name: {**value, "description": about} for name, about in known.items()},
        "patternProperties": {f"^(?:{spec.key})$": value},
        "additionalProperties": False,
    }


def _text(spec: Text) -> dict[str, Any]:
    found: dict[str, Any] = {"description": spec.about}
    # A plain 8080 or true is text to us, and a number or a truth value to an editor.
    kinds = ["string", "number", "boolean"] if not (spec.choices or spec.pattern) else ["string"]
    found["type"] = [*kinds, "null"] if spec.nullable else kinds
    if spec.choices:
        found["enum"] = [str(choice) for choice in spec.choices]
    if spec.pattern:
        found["pattern"] = f"^(?:{spec.pattern})$"
    return found
