"""Filters: from the JSON of Qdrant's REST to what the engine takes. Raises VectorError."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import qdrant_edge as edge

from alfred_dev.embedded.vectors.errors import bad, unsupported

Json = Mapping[str, Any]


class _Flag:
    """True or false for the engine, which takes Python's own for the numbers 1 and 0.

    It knows the flags of numpy, by their name.
    """

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value


_Flag.__module__, _Flag.__name__ = "numpy", "bool_"


def _match_value(value: Any) -> Any:
    flag: Any = _Flag(value) if isinstance(value, bool) else value
    return edge.MatchValue(flag)


_MATCHES: Mapping[str, Callable[..., Any]] = {
    "value": _match_value,
    "text": edge.MatchText,
    "text_any": edge.MatchTextAny,
    "phrase": edge.MatchPhrase,
    "prefix": edge.MatchPrefix,
    "substring": edge.MatchSubstring,
    "any": edge.MatchAny,
    "except": edge.MatchExcept,
}
_CLAUSES = frozenset({"must", "should", "must_not", "min_should"})


def filter_of(data: Json | None) -> Any:
    """Return the filter, or None for none."""
    if not data:
        return None
    if unknown := set(data) - _CLAUSES:
        raise bad(f"a filter has no {', '.join(sorted(unknown))}")
    least = data.get("min_should")
    return edge.Filter(
        must=_conditions(data.get("must")),
        should=_conditions(data.get("should")),
        must_not=_conditions(data.get("must_not")),
        min_should=edge.MinShould(_conditions(least["conditions"]) or [], least["min_count"])
        if least
        else None,
    )


def point_id(value: Any) -> int | str:
    """Return the id of a point: a whole number that is not negative, or a UUID."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64:
        return value
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise bad(
            f"{value!r} is not a valid point ID: neither an unsigned integer nor a UUID"
        ) from None


def _conditions(data: Any) -> list[Any] | None:
    if data is None:
        return None
    return [_condition(item) for item in (data if isinstance(data, list) else [data])]


def _condition(data: Json) -> Any:
    if set(data) & _CLAUSES or not data:
        return filter_of(data) or edge.Filter()
    if "nested" in data:
        nested = data["nested"]
        return edge.NestedCondition(nested["key"], filter_of(nested["filter"]) or edge.Filter())
    if "has_id" in data:
        return edge.HasIdCondition({point_id(value) for value in data["has_id"]})
    if "has_vector" in data:
        return edge.HasVectorCondition(data["has_vector"])
    for name, kind in (("is_empty", edge.IsEmptyCondition), ("is_null", edge.IsNullCondition)):
        if isinstance(data.get(name), dict):
            return kind(data[name]["key"])
    if "key" in data:
        return _field(data)
    raise unsupported(f"the condition {', '.join(sorted(data))}")


def _field(data: Json) -> Any:
    match, geo = data.get("match"), data.get("geo_radius")
    return edge.FieldCondition(
        data["key"],
        match=_match(match) if match else None,
        range=_range(data["range"]) if data.get("range") else None,
        geo_bounding_box=_box(data.get("geo_bounding_box")),
        geo_radius=edge.GeoRadius(_geo(geo["center"]), geo["radius"]) if geo else None,
        geo_polygon=_polygon(data.get("geo_polygon")),
        values_count=edge.ValuesCount(**_bounds(data["values_count"]))
        if data.get("values_count")
        else None,
        is_empty=data.get("is_empty"),
        is_null=data.get("is_null"),
    )


def _match(data: Json) -> Any:
    given = [name for name, value in data.items() if value is not None]
    if len(given) != 1 or given[0] not in _MATCHES:
        raise bad(f"a match has one of {', '.join(_MATCHES)}, not {', '.join(given) or 'nothing'}")
    return _MATCHES[given[0]](data[given[0]])


def _bounds(data: Json) -> dict[str, Any]:
    return {name: data[name] for name in ("lt", "gt", "lte", "gte") if data.get(name) is not None}


def _range(data: Json) -> Any:
    bounds = _bounds(data)
    texts = any(isinstance(value, str) for value in bounds.values())
    return edge.RangeDateTime(**bounds) if texts else edge.RangeFloat(**bounds)


def _geo(data: Json) -> Any:
    return edge.GeoPoint(data["lon"], data["lat"])


def _box(data: Json | None) -> Any:
    return edge.GeoBoundingBox(_geo(data["top_left"]), _geo(data["bottom_right"])) if data else None


def _polygon(data: Json | None) -> Any:
    if not data:
        return None
    rings = [data["exterior"], *(data.get("interiors") or [])]
    lines = [[_geo(point) for point in ring["points"]] for ring in rings]
    return edge.GeoPolygon(lines[0], lines[1:])
