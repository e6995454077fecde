"""Qdrant's gRPC messages, and what they are as the bodies of REST."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any

Json = Mapping[str, Any]


_SERVICES = ("collections_service_pb2", "points_service_pb2")


def _load() -> tuple[Any, list[Any]]:
    """Return the client's messages and services, without the client.

    The client itself costs two seconds and 80 MB, so its package is entered by the side door.
    """
    name = "qdrant_client"
    spec = find_spec(name)
    beside = name not in sys.modules and spec is not None
    if beside and spec is not None:
        parent = ModuleType(name)
        parent.__path__ = list(spec.submodule_search_locations or ())
        sys.modules[name] = parent
    try:
        messages = importlib.import_module(f"{name}.grpc")
        files = [importlib.import_module(f"{name}.grpc.{module}") for module in _SERVICES]
    finally:
        if beside:
            del sys.modules[name]
    return messages, [s for f in files for s in f.DESCRIPTOR.services_by_name.values()]


pb, SERVICES = _load()

_RENAMED = {
    "with_vectors": "with_vector",
    "vectors_config": "vectors",
    "sparse_vectors_config": "sparse_vectors",
    "datetime_range": "range",
}
_MATCHES = {
    "keyword": "value", "integer": "value", "boolean": "value", "keywords": "any",
    "integers": "any", "except_integers": "except", "except_keywords": "except",
}  # fmt: skip


def body_of(message: Any) -> dict[str, Any]:
    """Return the body that REST would have for this request."""
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        plain = _field(field, value)
        if field.message_type is not None and field.message_type.name == "PointsSelector":
            found |= plain  # REST has ids and filter beside the rest
        else:
            found[_RENAMED.get(field.name, field.name)] = plain
    return found


def _field(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        of_messages = field.message_type.fields_by_name["value"].message_type is not None
        return {key: plain(item) if of_messages else item for key, item in value.items()}
    if field.enum_type is not None:
        return _word(field.enum_type, value)
    if field.message_type is None:
        return list(value) if _repeated(field) else value
    return [plain(item) for item in value] if _repeated(field) else plain(value)


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated)


def _word(kind: Any, number: int) -> str:
    name = str(kind.values_by_number[number].name).removeprefix("FieldType")
    if kind.name == "Distance" or name.isupper():
        return name if kind.name == "Distance" else name.lower()
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def plain(message: Any) -> Any:
    """Return what REST has in the place of ``message``."""
    rule = _RULES.get(message.DESCRIPTOR.name)
    return rule(message) if rule else body_of(message)


def _oneof(message: Any) -> tuple[str, Any]:
    """Return the name and the value of the one field that is set."""
    (field, value), *_ = message.ListFields() or [(None, None)]
    if field is None:  # set to its zero, which is not listed
        for group in message.DESCRIPTOR.oneofs:
            name = message.WhichOneof(group.name)
            if name:
                return name, getattr(message, name)
        return "", None
    return field.name, value


def _one(message: Any) -> Any:
    """Return the one thing that is set, without its name."""
    _, value = _oneof(message)
    return plain(value) if hasattr(value, "DESCRIPTOR") else value


def _value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "struct_value":
        return {key: _value(item) for key, item in message.struct_value.fields.items()}
    if kind == "list_value":
        return [_value(item) for item in message.list_value.values]
    return getattr(message, kind)


def _sparse(message: Any) -> Json:
    return {"indices": list(message.indices), "values": list(message.values)}


def _vector(message: Any) -> Any:
    if message.WhichOneof("vector"):
        return _one(message)
    data = list(message.data)  # as clients before 1.13 send it
    if message.HasField("indices"):
        return {"indices": list(message.indices.data), "values": data}
    rows = message.vectors_count
    if rows:
        width = len(data) // rows
        return [data[i * width : (i + 1) * width] for i in range(rows)]
    return data


def _point(message: Any) -> Json:
    found = body_of(message)
    return {"id": found.get("id"), "payload": found.get("payload"), "vector": found.get("vectors")}


def _condition(message: Any) -> Any:
    kind, value = _oneof(message)
    inner = plain(value)
    if kind in ("field", "filter", "has_id", "has_vector"):
        return inner
    return {kind: inner}


def _match(message: Any) -> Json:
    kind, value = _oneof(message)
    if kind in ("keywords", "except_keywords"):
        value = list(value.strings)
    elif kind in ("integers", "except_integers"):
        value = list(value.integers)
    return {_MATCHES.get(kind, kind): value}


def _query(message: Any) -> Any:
    kind = message.WhichOneof("variant")
    value = getattr(message, kind)
    if kind == "nearest_with_mmr":
        return plain(value)
    if not hasattr(value, "DESCRIPTOR"):  # an enumeration
        return {kind: _word(message.DESCRIPTOR.fields_by_name[kind].enum_type, value)}
    return {kind: plain(value)}


def _included(message: Any) -> Any:
    kind, value = _oneof(message)
    return value if kind == "enable" else {kind: list(value.fields)}


_RULES: Mapping[str, Callable[[Any], Any]] = {
    "PointId": _one,
    "Value": _value,
    "Timestamp": lambda message: message.ToJsonString(),
    "Vector": _vector,
    "VectorInput": _one,
    "VectorExample": _one,
    "TargetVector": _one,
    "DenseVector": lambda message: list(message.data),
    "SparseVector": _sparse,
    "MultiDenseVector": lambda message: [list(v.data) for v in message.vectors],
    "Vectors": _one,
    "NamedVectors": lambda message: {n: _vector(v) for n, v in message.vectors.items()},
    "VectorsConfig": _one,
    "VectorParamsMap": lambda message: {n: plain(v) for n, v in message.map.items()},
    "SparseVectorConfig": lambda message: {n: plain(v) for n, v in message.map.items()},
    "PointStruct": _point,
    "PointVectors": _point,
    "PointsIdsList": lambda message: [plain(id_) for id_ in message.ids],
    "PointsSelector": lambda message: (
        {"points": [], **body_of(message)}
        if message.HasField("points")
        else {"filter": plain(message.filter)}
    ),
    "VectorsSelector": lambda message: list(message.names),
    "WithVectorsSelector": _one,
    "WithPayloadSelector": _included,
    "Condition": _condition,
    "Match": _match,
    "Query": _query,
    "StartFrom": _one,
    "ContextInput": lambda message: [plain(pair) for pair in message.pairs],
}
