"""What a collection is made of: from REST's configuration to the engine's. Raises VectorError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge

from alfred_dev.embedded.vectors.errors import bad, unsupported

Json = Mapping[str, Any]
# Exact search is faster than building a graph as long as there are few vectors, and never wrong.
_NO_GRAPH = 2**40


def edge_config(config: Json) -> Any:
    """Return the engine's configuration."""
    vectors = config.get("vectors") or {}
    named = {"": vectors} if "size" in vectors else vectors
    sparse = config.get("sparse_vectors") or {}
    if config.get("init_from"):
        raise unsupported("a collection made of another (init_from)")
    return edge.EdgeConfig(
        vectors={name: _dense(params) for name, params in named.items()},
        sparse_vectors={name: _sparse(params or {}) for name, params in sparse.items()},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=_NO_GRAPH),
    )


def _dense(params: Json) -> Any:
    several = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    distance = getattr(edge.Distance, str(params["distance"]).capitalize(), None)
    if distance is None or not 1 <= params["size"] <= 65536:
        raise bad(
            "a vector has a size of 1 to 65536, and a distance: Cosine, Euclid, Dot, Manhattan"
        )
    return edge.EdgeVectorParams(
        params["size"],
        distance,
        multivector_config=several if params.get("multivector_config") is not None else None,
        datatype=_datatype(params),
    )


def _sparse(params: Json) -> Any:
    modifier = edge.Modifier.Idf if params.get("modifier") == "idf" else None
    return edge.EdgeSparseVectorParams(modifier=modifier, datatype=_datatype(params.get("index")))


def _datatype(params: Json | None) -> Any:
    name = (params or {}).get("datatype")
    found = getattr(edge.VectorStorageDatatype, str(name).capitalize(), None) if name else None
    if name and found is None:
        raise unsupported(f"vectors of the type {name}")
    return found
