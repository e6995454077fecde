"""One collection: an engine's shard in a folder, asked and changed by the bodies of REST."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from alfred_dev.embedded.vectors import queries, seal, shape
from alfred_dev.embedded.vectors.conditions import filter_of, point_id
from alfred_dev.embedded.vectors.errors import VectorError, bad
from alfred_dev.embedded.vectors.seal import SHARD

Json = Mapping[str, Any]
CONFIG = "collection.json"
# Every file that the engine makes is mapped into memory: a write beyond the disk's end would kill
# the process, so none is begun near it. The engine's files grow by 32 MB.
SPARE_BYTES = 128 * 1024 * 1024
SCROLL_LIMIT = 10
_OK = {"status": "completed"}


class Collection:
    """An open collection. Every method raises VectorError; bodies are those of Qdrant's REST."""

    def __init__(self, folder: Path, config: Json, shard: Any) -> None:
        self.folder, self.config, self._shard = folder, config, shard
        self._operations = 0

    @classmethod
    def create(cls, folder: Path, config: Json) -> None:
        """Make the files of a new collection in ``folder``, which must exist."""
        (folder / SHARD).mkdir()
        edge.EdgeShard.create(str(folder / SHARD), shape.edge_config(config)).close()
        (folder / CONFIG).write_text(json.dumps(config))

    @classmethod
    def load(cls, folder: Path) -> Collection:
        """Open what ``create`` made. Raises VectorError when it cannot be read, or parts lack."""
        try:
            config = json.loads((folder / CONFIG).read_text())
            seal.check(folder)
            return cls(folder, config, edge.EdgeShard.load(str(folder / SHARD)))
        except VectorError:
            raise
        except BaseException as error:  # a panic of the engine is not an Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise VectorError(500, _one_line(error)) from None

    def close(self) -> None:
        """Write everything to the files and let go of them."""
        self.seal()
        self._shard.close()

    def seal(self) -> None:
        """Write everything to the files, and note which there are."""
        self._shard.flush()
        seal.seal(self.folder)

    # -- what changes it ------------------------------------------------------------------------

    def upsert(self, body: Json) -> Json:
        """Insert or replace points: a list, or the columns of a batch."""
        points = [
            edge.Point(point_id(id_), queries.vectors_of(vectors), payload or {})
            for id_, vectors, payload in _rows(body)
        ]
        modes = {
            "insert_only": edge.UpdateMode.InsertOnly,
            "update_only": edge.UpdateMode.UpdateOnly,
        }
        return self._change(
            edge.UpdateOperation.upsert_points(
                points,
                filter_of(body.get("update_filter")),
                modes.get(body.get("update_mode") or ""),
            )
        )

    def delete(self, body: Json) -> Json:
        """Delete points, by id or by filter."""
        return self._by(body, "delete_points")

    def update_vectors(self, body: Json) -> Json:
        """Replace single vectors of points."""
        points = [
            edge.PointVectors(point_id(p["id"]), queries.vectors_of(p["vector"]))
            for p in body["points"]
        ]
        condition = filter_of(body.get("update_filter"))
        return self._change(edge.UpdateOperation.update_vectors(points, condition))

    def delete_vectors(self, body: Json) -> Json:
        """Delete single vectors of points."""
        names = body.get("vector") or body.get("vectors")
        return self._by(body, "delete_vectors", names)

    def set_payload(self, body: Json) -> Json:
        """Add to payloads."""
        return self._by(body, "set_payload", body["payload"], body.get("key"))

    def overwrite_payload(self, body: Json) -> Json:
        """Replace payloads."""
        return self._by(body, "overwrite_payload", body["payload"], body.get("key"))

    def delete_payload(self, body: Json) -> Json:
        """Delete keys of payloads."""
        return self._by(body, "delete_payload", body["keys"])

    def clear_payload(self, body: Json) -> Json:
        """Delete payloads."""
        return self._by(body, "clear_payload")

    def batch(self, body: Json) -> list[Json]:
        """Do several changes, one after the other."""
        return [self._one(operation) for operation in body["operations"]]

    def _one(self, operation: Json) -> Json:
        (name, body), *_ = operation.items()
        if name not in _CHANGES:
            raise bad(f"there is no operation {name}")
        done: Json = getattr(self, name)(body)
        return done

    def create_index(self, body: Json) -> Json:
        """Index a field of the payload."""
        schema = body["field_schema"]
        kind = schema["type"] if isinstance(schema, dict) else schema
        known = getattr(edge.PayloadSchemaType, str(kind).capitalize(), None)
        if known is None:
            raise bad(f"there is no index of type {kind}")
        return self._reindex(edge.UpdateOperation.create_field_index(body["field_name"], known))

    def delete_index(self, field: str) -> Json:
        """Drop the index of a field."""
        return self._reindex(edge.UpdateOperation.delete_field_index(field))

    def _reindex(self, operation: Any) -> Json:
        # Files come and go meanwhile: nobody shall miss one.
        seal.unseal(self.folder)
        done = self._change(operation)
        self.seal()
        return done

    def _by(self, body: Json, operation: str, *values: Any) -> Json:
        """Change points that are named by id, as a list or under ``points``, or by a filter."""
        if isinstance(body, dict) and body.get("filter") is not None:
            # What holds for everything is a filter as well.
            chosen = filter_of(body["filter"]) or edge.Filter()
            make = getattr(edge.UpdateOperation, f"{operation}_by_filter")
            return self._change(make(chosen, *values))
        ids = body.get("points") if isinstance(body, dict) else body
        if ids is None:
            raise bad("points or a filter must be given")
        make = getattr(edge.UpdateOperation, operation)
        return self._change(make([point_id(value) for value in ids], *values))

    def _change(self, operation: Any) -> Json:
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
            raise VectorError(507, f"the disk is full: nothing was written to {self.folder}")
        self._shard.update(operation)
        self._operations += 1
        return {"operation_id": self._operations, **_OK}

    # -- what asks it ---------------------------------------------------------------------------

    def retrieve(self, body: Json) -> list[Json]:
        """Return points by id."""
        found = self._shard.retrieve(
            [point_id(value) for value in body["ids"]],
            queries.with_payload(_default(body, "with_payload", True)),
            body.get("with_vector") or False,
        )
        return [queries.point_json(point) for point in found]

    def scroll(self, body: Json) -> Json:
        """Return points in the order of their ids, or by a field, a page at a time."""
        order, offset = body.get("order_by"), body.get("offset")
        points, following = self._shard.scroll(
            edge.ScrollRequest(
                offset=None if offset is None else point_id(offset),
                limit=body.get("limit") or SCROLL_LIMIT,
                filter=filter_of(body.get("filter")),
                with_payload=queries.with_payload(_default(body, "with_payload", True)),
                with_vector=body.get("with_vector") or False,
                order_by=queries.order_of(order) if order else None,
            )
        )
        found = [queries.point_json(point) for point in points]
        if following is not None and not isinstance(following, int):
            following = str(following)
        return {"points": found, "next_page_offset": following}

    def count(self, body: Json) -> Json:
        """Count points."""
        exact = _default(body, "exact", True)
        return {"count": self._shard.count(edge.CountRequest(exact, filter_of(body.get("filter"))))}

    def facet(self, body: Json) -> Json:
        """Count the values of a field."""
        found = self._shard.facet(
            edge.FacetRequest(
                body["key"],
                body.get("limit") or queries.LIMIT,
                bool(body.get("exact")),
                filter_of(body.get("filter")),
            )
        )
        return {"hits": [{"value": hit.value, "count": hit.count} for hit in found.hits]}

    def query(self, body: Json) -> list[Json]:
        """Return the best points for a query."""
        request = queries.request_of(body, self._vector)
        if body.get("query") is None and not body.get("prefetch"):
            return [{**p, "version": 0, "score": 0.0} for p in self.scroll(body)["points"]]
        return [queries.point_json(hit, scored=True) for hit in self._shard.query(request)]

    def _vector(self, id_: int | str, name: str) -> Any:
        found = self._shard.retrieve([id_], False, True)
        if not found:
            raise VectorError(404, f"Not found: No point with id {id_} found")
        vectors = found[0].vector
        value = vectors.get(name) if isinstance(vectors, dict) else vectors if not name else None
        if value is None:
            raise bad(f"Not existing vector name error: {name}")
        return value

    def info(self) -> Json:
        """Return what Qdrant tells of a collection."""
        seen = self._shard.info()
        schema = {
            name: {
                "data_type": str(index.data_type).rpartition(".")[2].lower(),
                "points": index.points,
            }
            for name, index in seen.payload_schema.items()
        }
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": seen.points_count,
            "indexed_vectors_count": seen.indexed_vectors_count,
            "segments_count": seen.segments_count,
            "config": {**_SAID, "params": {**_PARAMS, **_kept(self.config)}},
            "payload_schema": schema,
        }


_CHANGES = frozenset(
    {"upsert", "delete", "set_payload", "overwrite_payload", "delete_payload", "clear_payload",
     "update_vectors", "delete_vectors"}
)  # fmt: skip
# What a client's data classes insist on; this engine has one shard, and no graph to tune.
_PARAMS = {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1,
           "on_disk_payload": True}  # fmt: skip
_SAID = {
    "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000,
                    "max_indexing_threads": 0, "on_disk": False},
    "optimizer_config": {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000,
                         "default_segment_number": 0, "flush_interval_sec": 5},
    "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0},
}  # fmt: skip


def _kept(config: Json) -> Json:
    return {key: config[key] for key in ("vectors", "sparse_vectors") if config.get(key)}


def _default(body: Json, key: str, value: Any) -> Any:
    return value if body.get(key) is None else body[key]


def _rows(body: Json) -> Iterator[tuple[Any, Any, Any]]:
    if "points" in body:
        for point in body["points"]:
            yield point["id"], point.get("vector"), point.get("payload")
        return
    batch = body["batch"]
    ids, vectors, payloads = batch["ids"], batch["vectors"], batch.get("payloads")
    if isinstance(vectors, dict):
        columns = [[(name, v) for v in column] for name, column in vectors.items()]
        vectors = [dict(row) for row in zip(*columns, strict=True)]
    yield from zip(ids, vectors, payloads or [None] * len(ids), strict=True)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
