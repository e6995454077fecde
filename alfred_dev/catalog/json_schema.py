"""The schema of alfred.yaml as JSON Schema, so that editors complete and check it."""

from __future__ import annotations

from typing import Any

from alfred_dev.catalog.project import PROJECT
from alfred_dev.catalog.schema import Flag, ListOf, MapOf, Record, Spec, Text, Whole

DRAFT = "http://json-schema.org/draft-07/schema#"  # what YAML language servers speak


def document() -> dict[str, Any]:
    """Return the JSON Schema of alfred.yaml."""
    return {"$schema": DRAFT, "title": "alfred.yaml", **of(PROJECT)}


def of(spec: Spec) -> dict[str, Any]:
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
            return {"description": spec.about, "type": "array", "items": of(spec.item)}
        case MapOf():
            return {
                "description": spec.about,
                "type": "object",
                "patternProperties": {f"^(?:{spec.key})$": of(spec.item)},
                "additionalProperties": False,
            }
        case Record():
            return {
                "description": spec.about,
                "type": "object",
                "properties": {name: of(part) for name, part in spec.fields.items()},
                "required": sorted(spec.required),
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
