"""What each call of Qdrant's gRPC does: every one is one of the things that REST does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alfred_dev.embedded.vectors import rest
from alfred_dev.embedded.vectors.messages import pb
from alfred_dev.embedded.vectors.replies import id_of, info_of, point_of, value_of
from alfred_dev.embedded.vectors.store import Store

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One RPC. ``work``: done in the store's thread; ``reply``: its result and the seconds."""

    work: Callable[[Store, dict[str, Any]], Any]
    reply: Callable[[Any, float], Any]
    changes: bool = False


def _on(name: str) -> Callable[[Store, dict[str, Any]], Any]:
    return lambda store, body: getattr(store.get(body["collection_name"]), name)(body)


def _updated(result: Json, took: float) -> Any:
    return pb.PointsOperationResponse(result=_update(result), time=took)


def _update(result: Json) -> Any:
    return pb.UpdateResult(operation_id=result["operation_id"], status=pb.Completed)


def _operation(body: dict[str, Any]) -> dict[str, Any]:
    """Return one operation of a batch in the words of REST."""
    names = {"delete_points": "delete", "delete_deprecated": "delete",
             "clear_payload_deprecated": "clear_payload"}  # fmt: skip
    return {names.get(name, name): value for name, value in body.items()}


def _batch(store: Store, body: dict[str, Any]) -> Any:
    operations = [_operation(operation) for operation in body.get("operations", ())]
    return store.get(body["collection_name"]).batch({"operations": operations})


def _hits(kind: Any) -> Callable[[Any, float], Any]:
    return lambda found, took: kind(
        result=[point_of(pb.ScoredPoint, hit) for hit in found], time=took
    )


def _batches(kind: Any) -> Callable[[Any, float], Any]:
    def reply(found: Any, took: float) -> Any:
        rows = [
            pb.BatchResult(result=[point_of(pb.ScoredPoint, hit) for hit in hits]) for hits in found
        ]
        return kind(result=rows, time=took)

    return reply


def _all(key: str, reword: Callable[[Json], Json]) -> Callable[[Store, dict[str, Any]], Any]:
    def work(store: Store, body: dict[str, Any]) -> Any:
        collection = store.get(body["collection_name"])
        return [collection.query(reword(one)) for one in body.get(key, ())]

    return work


def _ask(reword: Callable[[Json], Json]) -> Callable[[Store, dict[str, Any]], Any]:
    return lambda store, body: store.get(body["collection_name"]).query(reword(body))


def _same(body: Json) -> Json:
    return body


def _searched(body: Json) -> Json:
    vector: Any = body.get("vector", [])
    if "sparse_indices" in body:
        vector = {"indices": body["sparse_indices"]["data"], "values": vector}
    return {**body, "query": vector, "using": body.get("vector_name")}


def _recommended(body: Json) -> Json:
    more = {
        kind: [*body.get(kind, ()), *body.get(f"{kind}_vectors", ())]
        for kind in ("positive", "negative")
    }
    return rest.recommended({**body, **more})


def _scrolled(found: Any, took: float) -> Any:
    following = found["next_page_offset"]
    return pb.ScrollResponse(
        result=[point_of(pb.RetrievedPoint, point) for point in found["points"]],
        next_page_offset=None if following is None else id_of(following),
        time=took,
    )


def _faceted(found: Any, took: float) -> Any:
    return pb.FacetResponse(hits=[_facet_hit(hit) for hit in found["hits"]], time=took)


def _facet_hit(hit: Json) -> Any:
    value = value_of(hit["value"])
    kind = value.WhichOneof("kind")
    return pb.FacetHit(value=pb.FacetValue(**{kind: hit["value"]}), count=hit["count"])


def _indexed(store: Store, body: dict[str, Any]) -> Any:
    kind = body.get("field_type", "keyword")
    return store.get(body["collection_name"]).create_index({**body, "field_schema": kind})


def _aliases(store: Store, body: dict[str, Any]) -> Any:
    wanted = body.get("collection_name")
    return [(a, n) for a, n in sorted(store.aliases.items()) if wanted in (None, n)]


def _aliased(found: Any, took: float) -> Any:
    rows = [pb.AliasDescription(alias_name=a, collection_name=n) for a, n in found]
    return pb.ListAliasesResponse(aliases=rows, time=took)


def _done(found: Any, took: float) -> Any:
    return pb.CollectionOperationResponse(result=bool(found), time=took)


CALLS: Mapping[str, Call] = {
    "/qdrant.Collections/Get": Call(
        lambda s, b: s.get(b.get("collection_name", "")).info(),
        lambda r, t: pb.GetCollectionInfoResponse(result=info_of(r), time=t),
    ),
    "/qdrant.Collections/List": Call(
        lambda s, b: list(s.collections),
        lambda r, t: pb.ListCollectionsResponse(
            collections=[pb.CollectionDescription(name=n) for n in r], time=t
        ),
    ),
    "/qdrant.Collections/Create": Call(
        lambda s, b: s.create(b.pop("collection_name", ""), b), _done, changes=True
    ),
    "/qdrant.Collections/Update": Call(lambda s, b: bool(s.get(b["collection_name"])), _done),
    "/qdrant.Collections/Delete": Call(
        lambda s, b: s.delete(b["collection_name"]), _done, changes=True
    ),
    "/qdrant.Collections/UpdateAliases": Call(
        lambda s, b: s.change_aliases({"actions": [], **b}), _done
    ),
    "/qdrant.Collections/ListAliases": Call(_aliases, _aliased),
    "/qdrant.Collections/ListCollectionAliases": Call(_aliases, _aliased),
    "/qdrant.Collections/CollectionExists": Call(
        lambda s, b: s.exists(b.get("collection_name", "")),
        lambda r, t: pb.CollectionExistsResponse(result=pb.CollectionExists(exists=r), time=t),
    ),
    **{
        f"/qdrant.Points/{name}": Call(_on(method), _updated, changes=True)
        for name, method in (
            ("Upsert", "upsert"), ("Delete", "delete"), ("UpdateVectors", "update_vectors"),
            ("DeleteVectors", "delete_vectors"), ("SetPayload", "set_payload"),
            ("OverwritePayload", "overwrite_payload"), ("DeletePayload", "delete_payload"),
            ("ClearPayload", "clear_payload"),
        )
    },
    "/qdrant.Points/CreateFieldIndex": Call(_indexed, _updated, changes=True),
    "/qdrant.Points/DeleteFieldIndex": Call(
        lambda s, b: s.get(b["collection_name"]).delete_index(b["field_name"]),
        _updated,
        changes=True,
    ),
    "/qdrant.Points/UpdateBatch": Call(
        _batch,
        lambda r, t: pb.UpdateBatchResponse(result=[_update(row) for row in r], time=t),
        changes=True,
    ),
    "/qdrant.Points/Get": Call(
        lambda s, b: s.get(b["collection_name"]).retrieve(
            {"with_payload": False, "ids": [], **b}
        ),
        lambda r, t: pb.GetResponse(result=[point_of(pb.RetrievedPoint, p) for p in r], time=t),
    ),
    "/qdrant.Points/Scroll": Call(
        lambda s, b: s.get(b["collection_name"]).scroll({"with_payload": False, **b}), _scrolled
    ),
    "/qdrant.Points/Count": Call(
        _on("count"), lambda r, t: pb.CountResponse(result=pb.CountResult(count=r["count"]), time=t)
    ),
    "/qdrant.Points/Facet": Call(_on("facet"), _faceted),
    "/qdrant.Points/Query": Call(_ask(_same), _hits(pb.QueryResponse)),
    "/qdrant.Points/QueryBatch": Call(_all("query_points", _same), _batches(pb.QueryBatchResponse)),
    "/qdrant.Points/Search": Call(_ask(_searched), _hits(pb.SearchResponse)),
    "/qdrant.Points/SearchBatch": Call(
        _all("search_points", _searched), _batches(pb.SearchBatchResponse)
    ),
    "/qdrant.Points/Recommend": Call(_ask(_recommended), _hits(pb.RecommendResponse)),
    "/qdrant.Points/RecommendBatch": Call(
        _all("recommend_points", _recommended), _batches(pb.RecommendBatchResponse)
    ),
    "/qdrant.Points/Discover": Call(_ask(rest.discovered), _hits(pb.DiscoverResponse)),
}  # fmt: skip
