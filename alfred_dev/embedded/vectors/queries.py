"""Queries and vectors: from the JSON of Qdrant's REST to what the engine takes, and back.

Raises VectorError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qdrant_edge as edge

from alfred_dev.embedded.vectors.conditions import filter_of, point_id
from alfred_dev.embedded.vectors.errors import bad, unsupported

Json = Mapping[str, Any]
Lookup = Callable[[int | str, str], Any]
"""Returns the vector of a point, by id and vector name."""

_DEFAULT = ""  # the engine's name of a vector without a name
LIMIT = 10


def vector_of(value: Any) -> Any:
    """Return one vector: dense, several, or sparse."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and {"indices", "values"} <= set(value):
        return edge.SparseVector(value["indices"], value["values"])
    if isinstance(value, dict) and {"text", "image", "object", "model"} & set(value):
        raise unsupported("making vectors of texts, images or objects (inference)")
    raise bad("a vector is a list of numbers, or indices and values")


def vectors_of(value: Any) -> dict[str, Any]:
    """Return all vectors of a point by name."""
    if value is None:
        return {}
    if isinstance(value, dict) and not {"indices", "values"} <= set(value):
        return {name: vector_of(vector) for name, vector in value.items() if vector is not None}
    return {_DEFAULT: vector_of(value)}


def vectors_json(value: Any) -> Any:
    """Return the engine's vectors of a point as REST tells them."""
    if isinstance(value, dict):
        return {name: vectors_json(vector) for name, vector in value.items()}
    if isinstance(value, edge.SparseVector):
        return {"indices": value.indices, "values": value.values}
    return value


def point_json(point: Any, *, scored: bool = False) -> dict[str, Any]:
    """Return a record, or a hit with its score, as REST tells it."""
    found: dict[str, Any] = {"id": point.id if isinstance(point.id, int) else str(point.id)}
    if scored:
        found |= {"version": point.version, "score": point.score}
    if point.payload is not None:
        found["payload"] = point.payload
    if point.vector is not None:
        found["vector"] = vectors_json(point.vector)
    if point.order_value is not None:
        found["order_value"] = point.order_value
    return found


def with_payload(value: Any) -> Any:
    """Return what of the payload is wanted."""
    if isinstance(value, dict):
        if "include" in value:
            return edge.PayloadSelector.Include(value["include"])
        return edge.PayloadSelector.Exclude(value.get("exclude", []))
    return value


def params_of(data: Json | None) -> Any:
    """Return the parameters of a search."""
    if not data:
        return None
    quantization = data.get("quantization")
    return edge.SearchParams(
        hnsw_ef=data.get("hnsw_ef"),
        exact=bool(data.get("exact")),
        quantization=edge.QuantizationSearchParams(**_given(quantization))
        if quantization
        else None,
        indexed_only=bool(data.get("indexed_only")),
    )


def _given(data: Json) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


def order_of(data: Any) -> Any:
    """Return an order by a field of the payload."""
    if isinstance(data, str):
        return edge.OrderBy(data)
    direction = data.get("direction")
    return edge.OrderBy(
        data["key"],
        {"asc": edge.Direction.Asc, "desc": edge.Direction.Desc}[direction] if direction else None,
        data.get("start_from"),
    )


def request_of(body: Json, lookup: Lookup) -> Any:
    """Return a whole query request; points that are named in it are not in the result."""
    if body.get("lookup_from"):
        raise unsupported("vectors of another collection (lookup_from)")
    using = body.get("using") or _DEFAULT
    query, examples = query_of(body.get("query"), using, lookup)
    return edge.QueryRequest(
        body.get("limit") or LIMIT,
        offset=body.get("offset") or 0,
        query=query,
        prefetches=[_prefetch(p, lookup) for p in _list(body.get("prefetch"))],
        with_vector=body.get("with_vector", False),
        with_payload=with_payload(body.get("with_payload", False)),
        filter=_without(filter_of(body.get("filter")), examples),
        score_threshold=body.get("score_threshold"),
        params=params_of(body.get("params")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _prefetch(body: Json, lookup: Lookup) -> Any:
    query, examples = query_of(body.get("query"), body.get("using") or _DEFAULT, lookup)
    return edge.Prefetch(
        body.get("limit") or LIMIT,
        query=query,
        prefetches=[_prefetch(p, lookup) for p in _list(body.get("prefetch"))],
        params=params_of(body.get("params")),
        filter=_without(filter_of(body.get("filter")), examples),
        score_threshold=body.get("score_threshold"),
    )


def _without(found: Any, examples: Sequence[int | str]) -> Any:
    if not examples:
        return found
    others: list[Any] = [edge.HasIdCondition(set(examples))]
    return edge.Filter(must=[found] if found else None, must_not=others)


def query_of(data: Any, using: str, lookup: Lookup) -> tuple[Any, list[int | str]]:
    """Return the query, None for "in any order", and the points that are its examples."""
    if data is None:
        return None, []
    examples: list[int | str] = []

    def example(value: Any) -> Any:
        if isinstance(value, int | str):
            examples.append(point_id(value))
            return lookup(examples[-1], using)
        return vector_of(value)

    if not isinstance(data, dict) or "indices" in data or "model" in data:
        return edge.Query.Nearest(example(data), using), examples
    for name, make in _QUERIES.items():
        if name in data:
            return make(data, using, example), examples
    raise unsupported(f"the query {', '.join(sorted(data))}")


Example = Callable[[Any], Any]


def _nearest(data: Json, using: str, example: Example) -> Any:
    vector, mmr = example(data["nearest"]), data.get("mmr")
    if mmr is None:
        return edge.Query.Nearest(vector, using)
    # REST has diversity, the engine its opposite.
    diversity = mmr.get("diversity") if mmr.get("diversity") is not None else 0.5
    return edge.Mmr(vector, 1.0 - diversity, mmr.get("candidates_limit") or 10 * LIMIT, using)


def _recommend(data: Json, using: str, example: Example) -> Any:
    asked = data["recommend"]
    likes = [example(value) for value in asked.get("positive") or ()]
    dislikes = [example(value) for value in asked.get("negative") or ()]
    strategy = asked.get("strategy") or "average_vector"
    if strategy == "average_vector":
        return edge.Query.Nearest(_average(likes, dislikes), using)
    both = edge.RecommendQuery(likes, dislikes)
    if strategy == "best_score":
        return edge.Query.RecommendBestScore(both, using)
    return edge.Query.RecommendSumScores(both, using)


def _average(likes: list[Any], dislikes: list[Any]) -> list[float]:
    if not likes:
        raise bad("the strategy average_vector needs at least one positive example")
    if not all(isinstance(v, list) and isinstance(v[0], float | int) for v in likes + dislikes):
        raise bad("the strategy average_vector takes dense vectors alone")
    mean = [sum(column) / len(likes) for column in zip(*likes, strict=True)]
    if not dislikes:
        return mean
    away = [sum(column) / len(dislikes) for column in zip(*dislikes, strict=True)]
    return [2 * a - b for a, b in zip(mean, away, strict=True)]


def _pairs(data: Any, example: Example) -> list[Any]:
    pairs = _list(data)
    return [edge.ContextPair(example(p["positive"]), example(p["negative"])) for p in pairs]


def _discover(data: Json, using: str, example: Example) -> Any:
    asked = data["discover"]
    pairs = _pairs(asked.get("context"), example)
    return edge.Query.Discover(edge.DiscoverQuery(example(asked["target"]), pairs), using)


def _context(data: Json, using: str, example: Example) -> Any:
    return edge.Query.Context(edge.ContextQuery(_pairs(data["context"], example)), using)


def _fusion(data: Json, using: str, example: Example) -> Any:
    return edge.Fusion.Dbsf() if data["fusion"] == "dbsf" else edge.Fusion.Rrf(2)


def _rrf(data: Json, using: str, example: Example) -> Any:
    return edge.Fusion.Rrf(data["rrf"].get("k") or 2, data["rrf"].get("weights") or None)


_QUERIES: Mapping[str, Callable[[Json, str, Example], Any]] = {
    "nearest": _nearest,
    "recommend": _recommend,
    "discover": _discover,
    "context": _context,
    "order_by": lambda data, using, example: order_of(data["order_by"]),
    "fusion": _fusion,
    "rrf": _rrf,
    "sample": lambda data, using, example: edge.Sample.Random,
}
