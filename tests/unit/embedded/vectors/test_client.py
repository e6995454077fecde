"""The official client, by REST and by gRPC: one matrix."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.unit.embedded.running import Running
from tests.unit.embedded.vectors import serving

UUID = "550e8400-e29b-41d4-a716-446655440000"
CITIES = ("Berlin", "London", "Moscow", "New York", "Beijing", "Mumbai")
VECTORS = (
    [0.05, 0.61, 0.76, 0.74],
    [0.19, 0.81, 0.75, 0.11],
    [0.36, 0.55, 0.47, 0.94],
    [0.18, 0.01, 0.85, 0.80],
    [0.24, 0.18, 0.22, 0.44],
    [0.35, 0.08, 0.11, 0.44],
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving.vectors(tmp_path_factory.mktemp("vectors") / "data") as running:
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["rest", "grpc"])
def client(service: Running, request: pytest.FixtureRequest) -> Iterator[QdrantClient]:
    with serving.client(service.spec, grpc=request.param) as made:
        yield made


@pytest.fixture
def name(client: QdrantClient) -> Iterator[str]:
    """A collection with six cities."""
    name = f"test {uuid.uuid4()}"
    size = models.VectorParams(size=4, distance=models.Distance.DOT)
    assert client.create_collection(name, vectors_config=size)
    points = [
        models.PointStruct(id=i + 1, vector=VECTORS[i], payload={"city": CITIES[i], "n": i})
        for i in range(6)
    ]
    assert client.upsert(name, points, wait=True).status == models.UpdateStatus.COMPLETED
    yield name
    client.delete_collection(name)


def match(key: str, value: object) -> models.Filter:
    condition = models.FieldCondition.model_validate({"key": key, "match": {"value": value}})
    return models.Filter(must=[condition])


def test_the_quick_start(client: QdrantClient, name: str) -> None:
    found = client.query_points(name, query=[0.2, 0.1, 0.9, 0.7], limit=3).points
    assert [(p.id, round(p.score, 3)) for p in found] == [(4, 1.362), (1, 1.273), (3, 1.208)]
    found = client.query_points(
        name,
        query=[0.2, 0.1, 0.9, 0.7],
        query_filter=match("city", "London"),
        with_payload=True,
        limit=3,
    ).points
    assert [(p.id, p.payload) for p in found] == [(2, {"city": "London", "n": 1})]


def test_collections_are_described_listed_and_deleted(client: QdrantClient, name: str) -> None:
    info = client.get_collection(name)
    assert info.status == models.CollectionStatus.GREEN
    assert info.points_count == 6
    assert info.config.params.vectors == models.VectorParams(size=4, distance=models.Distance.DOT)
    assert name in [c.name for c in client.get_collections().collections]
    assert client.collection_exists(name)
    assert client.delete_collection(name)
    assert not client.collection_exists(name)
    assert not client.delete_collection(name)


def test_what_is_not_there_is_404(client: QdrantClient) -> None:
    with pytest.raises(Exception, match="(?i)not.found.*Collection `nothing` doesn") as e:
        client.count("nothing")
    if isinstance(e.value, UnexpectedResponse):
        assert e.value.status_code == 404


def test_a_collection_is_made_once(client: QdrantClient, name: str) -> None:
    size = models.VectorParams(size=4, distance=models.Distance.DOT)
    with pytest.raises(Exception, match="already exists"):
        client.create_collection(name, vectors_config=size)


def test_ids_are_numbers_and_uuids(client: QdrantClient, name: str) -> None:
    client.upsert(name, [models.PointStruct(id=UUID, vector=VECTORS[0])])
    (found,) = client.retrieve(name, [UUID], with_vectors=True)
    assert found.id == UUID
    assert found.vector == pytest.approx(VECTORS[0])
    with pytest.raises(Exception, match="neither an unsigned integer nor a UUID"):
        client.upsert(name, [models.PointStruct(id="no uuid", vector=VECTORS[0])])


def test_scroll_pages_in_order(client: QdrantClient, name: str) -> None:
    first, offset = client.scroll(name, limit=4)
    rest, end = client.scroll(name, limit=4, offset=offset)
    assert [p.id for p in first + rest] == [1, 2, 3, 4, 5, 6]
    assert end is None
    assert first[0].payload == {"city": "Berlin", "n": 0}


def test_scroll_by_a_field(client: QdrantClient, name: str) -> None:
    client.create_payload_index(name, "n", models.PayloadSchemaType.INTEGER)
    order = models.OrderBy(key="n", direction=models.Direction.DESC)
    found, _ = client.scroll(name, order_by=order, limit=2)
    assert [p.id for p in found] == [6, 5]
    schema = client.get_collection(name).payload_schema
    assert schema["n"].data_type == models.PayloadSchemaType.INTEGER
    client.delete_payload_index(name, "n")
    assert client.get_collection(name).payload_schema == {}


FILTERS = {
    "keyword": ({"must": [{"key": "city", "match": {"value": "Berlin"}}]}, [1]),
    "any": ({"must": [{"key": "city", "match": {"any": ["Berlin", "London"]}}]}, [1, 2]),
    "any number": ({"must": [{"key": "n", "match": {"any": [3, 5]}}]}, [4, 6]),
    "except": ({"must": [{"key": "city", "match": {"except": list(CITIES[1:])}}]}, [1]),
    "text": ({"must": [{"key": "city", "match": {"text": "York"}}]}, [4]),
    "number": ({"must": [{"key": "n", "match": {"value": 0}}]}, [1]),
    "flag": ({"must": [{"key": "flag", "match": {"value": False}}]}, [7]),
    "range": ({"must": [{"key": "n", "range": {"gte": 1, "lt": 3}}]}, [2, 3]),
    "date": (
        {"must": [{"key": "at", "range": {"gt": "2024-01-01T00:00:00Z"}}]}, [7],
    ),
    "not": ({"must_not": [{"key": "n", "range": {"gte": 1, "lte": 9}}]}, [1, 7]),
    "should": (
        {"should": [{"key": "n", "match": {"value": 1}}, {"key": "n", "match": {"value": 2}}]},
        [2, 3],
    ),
    "min should": (
        {"min_should": {"min_count": 2, "conditions": [
            {"key": "n", "match": {"value": 1}}, {"key": "city", "match": {"value": "London"}}]}},
        [2],
    ),
    "nested in a filter": (
        {"must": [{"should": [{"key": "n", "match": {"value": 1}}]}, {"must_not": [
            {"key": "city", "match": {"value": "Berlin"}}]}]},
        [2],
    ),
    "ids": ({"must": [{"has_id": [1, 3, UUID]}]}, [1, 3]),
    "empty": ({"must": [{"is_empty": {"key": "n"}}]}, [7]),
    "null": ({"must": [{"is_null": {"key": "nothing"}}]}, [7]),
    "values": ({"must": [{"key": "tags", "values_count": {"gt": 1}}]}, [7]),
    "nested": (
        {"must": [{"nested": {"key": "diet", "filter": {"must": [
            {"key": "food", "match": {"value": "meat"}}]}}}]},
        [7],
    ),
    "geo": (
        {"must": [{"key": "place", "geo_radius": {
            "center": {"lon": 13.4, "lat": 52.5}, "radius": 9000.0}}]},
        [7],
    ),
    "box": (
        {"must": [{"key": "place", "geo_bounding_box": {
            "top_left": {"lon": 13.0, "lat": 53.0}, "bottom_right": {"lon": 14.0, "lat": 52.0}}}]},
        [7],
    ),
    "polygon": (
        {"must": [{"key": "place", "geo_polygon": {"exterior": {"points": [
            {"lon": 13.0, "lat": 52.0}, {"lon": 14.0, "lat": 52.0}, {"lon": 13.0, "lat": 54.0},
            {"lon": 13.0, "lat": 52.0}]}}}]},
        [7],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILTERS)
def test_filters(client: QdrantClient, name: str, kind: str) -> None:
    odd = {
        "flag": False, "at": "2024-05-01T00:00:00Z", "nothing": None, "tags": ["a", "b"],
        "diet": [{"food": "meat", "likes": True}], "place": {"lon": 13.41, "lat": 52.51},
    }  # fmt: skip
    client.upsert(name, [models.PointStruct(id=7, vector=VECTORS[0], payload=odd)])
    data, expected = FILTERS[kind]
    found = models.Filter.model_validate(data)
    assert client.count(name, count_filter=found).count == len(expected)
    points, _ = client.scroll(name, scroll_filter=found)
    assert [p.id for p in points] == expected


def test_payloads_of_every_shape_come_back(client: QdrantClient, name: str) -> None:
    payload: dict[str, object] = {
        "null": None, "yes": True, "int": -(2**40), "float": 0.5, "text": "ä \N{SNOWMAN}",
        "list": [1, "two", None, {"three": 3.0}], "deep": {"a": {"b": []}}, "empty": {},
    }  # fmt: skip
    client.upsert(name, [models.PointStruct(id=9, vector=VECTORS[0], payload=payload)])
    assert client.retrieve(name, [9])[0].payload == payload


def test_payload_operations(client: QdrantClient, name: str) -> None:
    client.set_payload(name, {"new": 1}, points=[1, 2])
    client.set_payload(name, {"by": "filter"}, points=match("city", "London"))
    client.overwrite_payload(name, {"only": True}, points=[3])
    client.delete_payload(name, ["n"], points=[4])
    client.clear_payload(name, points_selector=models.PointIdsList(points=[5]))
    payloads = {p.id: p.payload for p in client.retrieve(name, [1, 2, 3, 4, 5])}
    assert payloads[1] == {"city": "Berlin", "n": 0, "new": 1}
    assert payloads[2] == {"city": "London", "n": 1, "new": 1, "by": "filter"}
    assert payloads[3] == {"only": True}
    assert payloads[4] == {"city": "New York"}
    assert not payloads[5]


def test_parts_of_a_payload(client: QdrantClient, name: str) -> None:
    (only,) = client.retrieve(name, [1], with_payload=["city"])
    assert only.payload == {"city": "Berlin"}
    without = models.PayloadSelectorExclude(exclude=["city"])
    (other,) = client.retrieve(name, [1], with_payload=without)
    assert other.payload == {"n": 0}


def test_points_are_deleted_by_id_and_by_filter(client: QdrantClient, name: str) -> None:
    client.delete(name, points_selector=[1])
    client.delete(name, points_selector=match("city", "London"))
    assert client.count(name).count == 4
    client.delete(name, points_selector=models.Filter())
    assert client.count(name).count == 0


def test_a_batch_of_changes(client: QdrantClient, name: str) -> None:
    operations: list[Any] = [
        models.UpsertOperation(
            upsert=models.PointsList(points=[models.PointStruct(id=10, vector=VECTORS[0])])
        ),
        models.SetPayloadOperation(set_payload=models.SetPayload(payload={"late": 1}, points=[10])),
        models.DeleteOperation(delete=models.PointIdsList(points=[1, 2])),
    ]
    done = client.batch_update_points(name, operations)
    assert [row.status for row in done] == [models.UpdateStatus.COMPLETED] * 3
    assert client.count(name).count == 5
    assert client.retrieve(name, [10])[0].payload == {"late": 1}


def test_columns_are_inserted_as_well(client: QdrantClient, name: str) -> None:
    batch = models.Batch(ids=[20, 21], vectors=[VECTORS[0], VECTORS[1]], payloads=[{"a": 1}, {}])
    client.upsert(name, batch)
    assert client.count(name).count == 8


def test_queries_by_example(client: QdrantClient, name: str) -> None:
    by_id = client.query_points(name, query=1, limit=3).points
    assert 1 not in [p.id for p in by_id]
    liked = models.RecommendQuery(recommend=models.RecommendInput(positive=[1], negative=[6]))
    assert {1, 6}.isdisjoint(p.id for p in client.query_points(name, query=liked).points)
    best = models.RecommendInput(
        positive=[1, VECTORS[2]], negative=[6], strategy=models.RecommendStrategy.BEST_SCORE
    )
    found = client.query_points(name, query=models.RecommendQuery(recommend=best), limit=2).points
    assert len(found) == 2
    pair = models.ContextPair(positive=2, negative=3)
    discover = models.DiscoverQuery(discover=models.DiscoverInput(target=1, context=[pair]))
    assert {1, 2, 3}.isdisjoint(p.id for p in client.query_points(name, query=discover).points)
    context = models.ContextQuery(context=[pair])
    assert {2, 3}.isdisjoint(p.id for p in client.query_points(name, query=context).points)


def test_other_queries(client: QdrantClient, name: str) -> None:
    assert len(client.query_points(name, limit=4).points) == 4
    sample = models.SampleQuery(sample=models.Sample.RANDOM)
    assert len(client.query_points(name, query=sample, limit=2).points) == 2
    mmr = models.NearestQuery(nearest=VECTORS[0], mmr=models.Mmr(diversity=0.5, candidates_limit=5))
    assert len(client.query_points(name, query=mmr, limit=3).points) == 3
    client.create_payload_index(name, "n", models.PayloadSchemaType.INTEGER, wait=True)
    order = models.OrderByQuery(order_by=models.OrderBy(key="n", direction=models.Direction.DESC))
    assert [p.id for p in client.query_points(name, query=order, limit=2).points] == [6, 5]


def test_fusion_of_prefetches(client: QdrantClient, name: str) -> None:
    prefetch = [
        models.Prefetch(query=VECTORS[0], limit=3),
        models.Prefetch(query=VECTORS[5], limit=3, filter=match("city", "Mumbai")),
    ]
    for fusion in models.Fusion:
        query = models.FusionQuery(fusion=fusion)
        found = client.query_points(name, prefetch=prefetch, query=query, limit=10).points
        assert 6 in [p.id for p in found]
    again = client.query_points(name, prefetch=prefetch[:1], query=VECTORS[5], limit=10).points
    assert len(again) == 3


def test_a_batch_of_queries(client: QdrantClient, name: str) -> None:
    requests = [models.QueryRequest(query=v, limit=1, with_payload=True) for v in VECTORS[:2]]
    found = client.query_batch_points(name, requests)
    assert [len(row.points) for row in found] == [1, 1]


def test_score_threshold_offset_and_vectors(client: QdrantClient, name: str) -> None:
    query = [0.2, 0.1, 0.9, 0.7]
    found = client.query_points(name, query=query, score_threshold=1.25, with_vectors=True).points
    assert [p.id for p in found] == [4, 1]
    assert found[0].vector == pytest.approx(VECTORS[3])
    assert [p.id for p in client.query_points(name, query=query, offset=2, limit=1).points] == [3]


def test_named_sparse_and_many_vectors(client: QdrantClient) -> None:
    name = f"named-{uuid.uuid4()}"
    several = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    client.create_collection(
        name,
        vectors_config={
            "image": models.VectorParams(size=4, distance=models.Distance.COSINE),
            "text": models.VectorParams(size=2, distance=models.Distance.EUCLID),
            "many": models.VectorParams(
                size=2, distance=models.Distance.DOT, multivector_config=several
            ),
        },
        sparse_vectors_config={"words": models.SparseVectorParams()},
    )
    words = models.SparseVector(indices=[1, 7], values=[0.5, 1.0])
    vector: Any = {
        "image": VECTORS[0],
        "text": [1.0, 2.0],
        "many": [[1, 0], [0, 1]],
        "words": words,
    }
    client.upsert(name, [
        models.PointStruct(id=1, vector=vector),
        models.PointStruct(id=2, vector={"text": [5.0, 5.0]}),
    ])  # fmt: skip
    assert client.query_points(name, query=[1.0, 2.0], using="text", limit=1).points[0].id == 1
    assert client.query_points(name, query=words, using="words").points[0].score == 1.25
    assert client.query_points(name, query=[[1.0, 0.0]], using="many").points[0].score == 1.0
    (back,) = client.retrieve(name, [1], with_vectors=True)
    assert isinstance(back.vector, dict)
    assert back.vector["text"] == [1.0, 2.0]
    assert back.vector["many"] == [[1.0, 0.0], [0.0, 1.0]]
    assert back.vector["words"] == words
    (part,) = client.retrieve(name, [1], with_vectors=["text"])
    assert part.vector == {"text": [1.0, 2.0]}
    client.update_vectors(name, [models.PointVectors(id=2, vector={"text": [0.0, 0.0]})])
    client.delete_vectors(name, vectors=["image"], points=[1])
    assert set(client.retrieve(name, [1], with_vectors=True)[0].vector or {}) == {
        "text", "many", "words",
    }  # fmt: skip
    assert client.get_collection(name).config.params.sparse_vectors is not None
    client.delete_collection(name)


def test_aliases(client: QdrantClient, name: str) -> None:
    def change(**action: dict[str, str]) -> None:
        kind: Any = {"create_alias": models.CreateAliasOperation,
                "rename_alias": models.RenameAliasOperation,
                "delete_alias": models.DeleteAliasOperation}[next(iter(action))]  # fmt: skip
        assert client.update_collection_aliases([kind.model_validate(action)])

    change(create_alias={"collection_name": name, "alias_name": "now"})
    assert client.count("now").count == 6
    assert [a.alias_name for a in client.get_collection_aliases(name).aliases] == ["now"]
    change(rename_alias={"old_alias_name": "now", "new_alias_name": "then"})
    assert [a.alias_name for a in client.get_aliases().aliases] == ["then"]
    change(delete_alias={"alias_name": "then"})
    assert client.get_aliases().aliases == []


def test_facets(client: QdrantClient, name: str) -> None:
    client.create_payload_index(name, "city", models.PayloadSchemaType.KEYWORD)
    hits = client.facet(name, "city").hits
    assert {hit.value: hit.count for hit in hits} == dict.fromkeys(CITIES, 1)


def test_an_index_with_parameters(client: QdrantClient, name: str) -> None:
    params = models.TextIndexParams(
        type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True
    )
    client.create_payload_index(name, "city", params)
    found = models.Filter.model_validate({"must": [{"key": "city", "match": {"text": "york"}}]})
    assert client.count(name, count_filter=found).count == 1


def test_wrong_vectors_are_refused(client: QdrantClient, name: str) -> None:
    with pytest.raises(Exception, match="expected dim: 4, got 2"):
        client.upsert(name, [models.PointStruct(id=1, vector=[1.0, 2.0])])
    with pytest.raises(Exception, match="expected dim: 4, got 2"):
        client.query_points(name, query=[1.0, 2.0])
    with pytest.raises(Exception, match="Not existing vector name error"):
        client.query_points(name, query=VECTORS[0], using="other")


def test_what_it_does_not_do_names_the_real_server(client: QdrantClient, name: str) -> None:
    with pytest.raises(Exception, match="Qdrant"):
        client.query_points_groups(name, group_by="city", query=VECTORS[0])
    with pytest.raises(Exception, match="Qdrant"):
        client.create_snapshot(name)
