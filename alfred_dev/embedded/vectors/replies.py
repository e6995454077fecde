"""From the results of REST to Qdrant's gRPC messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfred_dev.embedded.vectors.messages import pb

Json = Mapping[str, Any]


def id_of(value: int | str) -> Any:
    """Return the message of a point's id."""
    return pb.PointId(num=value) if isinstance(value, int) else pb.PointId(uuid=value)


def value_of(value: Any) -> Any:
    """Return the message of a payload's value."""
    if value is None:
        return pb.Value(null_value=0)
    if isinstance(value, bool):
        return pb.Value(bool_value=value)
    if isinstance(value, int):
        return pb.Value(integer_value=value)
    if isinstance(value, float):
        return pb.Value(double_value=value)
    if isinstance(value, str):
        return pb.Value(string_value=value)
    if isinstance(value, dict):
        return pb.Value(struct_value=pb.Struct(fields={k: value_of(v) for k, v in value.items()}))
    return pb.Value(list_value=pb.ListValue(values=[value_of(item) for item in value]))


def _vector_output(value: Any) -> Any:
    if isinstance(value, dict):
        return pb.VectorOutput(sparse=pb.SparseVector(**value))
    if value and isinstance(value[0], list):
        rows = [pb.DenseVector(data=row) for row in value]
        return pb.VectorOutput(multi_dense=pb.MultiDenseVector(vectors=rows))
    return pb.VectorOutput(dense=pb.DenseVector(data=value))


def _vectors_output(value: Any) -> Any:
    if isinstance(value, dict) and "indices" not in value:
        named = {name: _vector_output(vector) for name, vector in value.items()}
        return pb.VectorsOutput(vectors=pb.NamedVectorsOutput(vectors=named))
    return pb.VectorsOutput(vector=_vector_output(value))


def point_of(kind: Any, point: Json) -> Any:
    """Return the message, a ScoredPoint or a RetrievedPoint, of a point as REST tells it."""
    fields: dict[str, Any] = {"id": id_of(point["id"])}
    for name in ("score", "version"):
        if name in point:
            fields[name] = point[name]
    if point.get("payload"):
        fields["payload"] = {key: value_of(value) for key, value in point["payload"].items()}
    if point.get("vector") is not None:
        fields["vectors"] = _vectors_output(point["vector"])
    if isinstance(point.get("order_value"), int):
        fields["order_value"] = pb.OrderValue(int=point["order_value"])
    elif point.get("order_value") is not None:
        fields["order_value"] = pb.OrderValue(float=point["order_value"])
    return kind(**fields)


def info_of(info: Json) -> Any:
    """Return the message of a collection's description."""
    config = info["config"]
    params = dict(config["params"])
    vectors, sparse = params.pop("vectors", None), params.pop("sparse_vectors", None)
    if vectors:
        params["vectors_config"] = _vectors_config(vectors)
    if sparse:
        rows = {name: pb.SparseVectorParams() for name in sparse}
        params["sparse_vectors_config"] = pb.SparseVectorConfig(map=rows)
    schema = {
        name: pb.PayloadSchemaInfo(
            data_type=pb.PayloadSchemaType.Value(row["data_type"].capitalize()),
            points=row["points"],
        )
        for name, row in info["payload_schema"].items()
    }
    return pb.CollectionInfo(
        status=pb.Green,
        optimizer_status=pb.OptimizerStatus(ok=True),
        segments_count=info["segments_count"],
        points_count=info["points_count"],
        indexed_vectors_count=info["indexed_vectors_count"],
        payload_schema=schema,
        config=pb.CollectionConfig(
            params=pb.CollectionParams(**params),
            hnsw_config=pb.HnswConfigDiff(**config["hnsw_config"]),
            optimizer_config=pb.OptimizersConfigDiff(**config["optimizer_config"]),
            wal_config=pb.WalConfigDiff(**config["wal_config"]),
        ),
    )


def _vectors_config(vectors: Json) -> Any:
    if "size" in vectors:
        return pb.VectorsConfig(params=_vector_params(vectors))
    named = {name: _vector_params(params) for name, params in vectors.items()}
    return pb.VectorsConfig(params_map=pb.VectorParamsMap(map=named))


def _vector_params(params: Json) -> Any:
    several = None if params.get("multivector_config") is None else pb.MultiVectorConfig()
    return pb.VectorParams(
        size=params["size"],
        distance=pb.Distance.Value(params["distance"]),
        multivector_config=several,
    )
