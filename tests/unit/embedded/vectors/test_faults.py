"""What goes wrong around the vector database, and what its clients may rely on even so."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient, models

from tests.unit.embedded.running import Running, run_to_end, started
from tests.unit.embedded.vectors import serving

SIZE = models.VectorParams(size=4, distance=models.Distance.DOT)
REFUSED = os.EX_CONFIG


def point(number: int) -> models.PointStruct:
    vector = [float(number), 1.0, 0.5, 0.25]
    return models.PointStruct(id=number, vector=vector, payload={"n": f"number {number}"})


def fill(data: Path, count: int = 20) -> None:
    with serving.vectors(data) as service, serving.client(service.spec, grpc=False) as client:
        client.create_collection("things", vectors_config=SIZE)
        client.upsert("things", [point(i) for i in range(count)])
        alias = models.CreateAlias(collection_name="things", alias_name="current")
        client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
        service.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with one collection of 20 points, at rest. Tests work on copies."""
    data = tmp_path_factory.mktemp("filled") / "data"
    fill(data)
    return data


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving.vectors(tmp_path_factory.mktemp("vectors") / "data") as running:
        yield running


def test_everything_survives_a_restart(data: Path) -> None:
    with serving.vectors(data) as service, serving.client(service.spec, grpc=True) as client:
        assert client.count("current").count == 20
        (found,) = client.retrieve("things", [7], with_vectors=True)
        assert (found.payload, found.vector) == ({"n": "number 7"}, [7.0, 1.0, 0.5, 0.25])


@pytest.mark.slow
@pytest.mark.parametrize("grpc", [False, True], ids=["rest", "grpc"])
def test_a_kill_under_load_loses_nothing_acknowledged(data: Path, grpc: bool) -> None:
    spec = serving.spec(data)
    acknowledged: list[int] = []

    def load(client: QdrantClient) -> None:
        for number in range(100, 100_000):
            try:
                client.upsert("things", [point(number)])
            except Exception:
                return
            acknowledged.append(number)

    with serving.vectors(data, spec) as service, serving.client(spec, grpc=grpc) as client:
        thread = threading.Thread(target=load, args=(client,))
        thread.start()
        while len(acknowledged) < 100:
            assert thread.is_alive()
        service.end(signal.SIGKILL)
        thread.join()
    with serving.vectors(data, spec), serving.client(spec, grpc=False) as client:
        found = client.retrieve("things", acknowledged, with_vectors=True)
        assert {p.id: p.payload for p in found} == {n: point(n).payload for n in acknowledged}
        assert all(p.vector == point(int(p.id)).vector for p in found)
        assert client.count("things").count >= 20 + len(acknowledged)


DAMAGE = {
    "a vector file is cut off": "shard/segments/*/vector_storage/vectors/chunk_0.mmap",
    "a payload file is cut off": "shard/segments/*/payload_storage/page_0.dat",
    "the ids are cut off": "shard/segments/*/mutable_id_tracker.mappings",
    "the configuration is cut off": "collection.json",
    "a segment's state is cut off": "shard/segments/*/segment.json",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_data_is_refused_with_what_to_type(data: Path, kind: str) -> None:
    (path,) = (data / "edge" / "things").glob(DAMAGE[kind])
    os.truncate(path, 10)
    refuses(data)


@pytest.mark.parametrize("part", ["shard/segments", "shard/wal", "shard", "collection.json"])
def test_lost_files_are_refused_with_what_to_type(data: Path, part: str) -> None:
    path = data / "edge" / "things" / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    refuses(data)


def test_damaged_aliases_are_refused(data: Path) -> None:
    (data / "edge" / "aliases.json").write_text("{")
    refuses(data)


def test_what_has_ended_the_engine_is_not_tried_for_ever(data: Path) -> None:
    (data / "edge" / "things.loading").write_text("xxx")
    refuses(data)
    with serving.vectors(data) as service, serving.client(service.spec, grpc=False) as client:
        assert client.count("things").count == 20


def refuses(data: Path) -> None:
    before = {str(p): p.stat().st_size for p in data.rglob("*.mmap")}
    code, log = run_to_end(serving.spec(data))
    assert code == REFUSED
    (line,) = log
    assert "cannot be read" in line
    assert "mv '" in line
    assert {str(p): p.stat().st_size for p in data.rglob("*.mmap")} == before


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounts a small disk")
def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", str(data)], check=True)
    try:
        spec = serving.spec(data)
        with serving.vectors(data, spec) as service, serving.client(spec, grpc=False) as client:
            client.create_collection("things", vectors_config=SIZE)
            client.upsert("things", [point(i) for i in range(20)])
            free = shutil.disk_usage(data).free - 100_000_000  # below what one write may take
            (data / "ballast").write_bytes(b"x" * free)
            with pytest.raises(Exception, match="the disk is full"):
                client.upsert("things", [point(21)])
            assert client.count("things").count == 20
            (data / "ballast").unlink()
            client.upsert("things", [point(21)])
            assert client.count("things").count == 21
            service.end(signal.SIGTERM)
    finally:
        subprocess.run(["umount", str(data)], check=True)


def test_five_hundred_idle_connections_do_not_matter(service: Running) -> None:
    held = []
    try:
        for port in [service.port] * 250 + [service.spec.ports[1].listen] * 250:
            held.append(socket.create_connection(("127.0.0.1", port), timeout=10))
        with serving.client(service.spec, grpc=True) as client:
            client.get_collections()
        with service.http() as http:
            assert http.get("/readyz").status_code == 200
    finally:
        for connection in held:
            connection.close()


def test_a_client_that_never_reads_does_not_matter(service: Running) -> None:
    with serving.client(service.spec, grpc=False) as client:
        client.create_collection("large", vectors_config=SIZE)
        client.upsert("large", [
            models.PointStruct(id=i, vector=[1.0] * 4, payload={"text": "x" * 10_000})
            for i in range(200)
        ])  # fmt: skip
        body = b'{"limit": 200}'
        head = (
            f"POST /collections/large/points/scroll HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", service.port)) as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            silent.settimeout(1)
            with contextlib.suppress(TimeoutError):  # it is not read from either, in the end
                for _ in range(20):
                    silent.sendall(head.encode() + body)
            assert client.count("large").count == 200


@settings(max_examples=60)
@given(noise=st.binary(min_size=1, max_size=300), door=st.integers(0, 1), polite=st.booleans())
def test_noise_does_not_end_it(service: Running, noise: bytes, door: int, polite: bool) -> None:
    hello = (b"POST /collections HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[door]
    port = service.spec.ports[door].listen
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(hello + noise if polite else noise)
    assert service.process.poll() is None


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["points", "vector", "payload", "filter", "must", "key", "match", "value", "range",
             "query", "id", "ids", "limit", "offset", "prefetch", "nearest", "recommend", "using",
             "operations", "upsert", "gte", "order_by", "with_payload", "vectors", "size"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
PATHS = ("/points/scroll", "/points/count", "/points/query", "/points/delete", "/points/payload",
         "/points/batch", "/points/search", "/points", "/facet", "/points/recommend")  # fmt: skip


@pytest.fixture(scope="module")
def odd(service: Running) -> Iterator[httpx.Client]:
    with service.http() as http:
        vectors = {"vectors": {"size": 4, "distance": "Dot"}}
        assert http.put("/collections/odd", json=vectors).status_code == 200
        yield http


@settings(max_examples=150)
@given(body=BODIES, path=st.sampled_from(PATHS))
def test_no_body_makes_it_stumble(
    service: Running, odd: httpx.Client, body: object, path: str
) -> None:
    answer = odd.post(f"/collections/odd{path}", content=json.dumps(body).encode())
    assert answer.status_code in (200, 400, 404, 501), answer.text
    assert service.process.poll() is None


def test_other_origins_and_hosts_are_refused(service: Running) -> None:
    with service.http() as http:
        foreign = {"origin": "https://evil.example"}
        assert http.put("/collections/x", json={}, headers=foreign).status_code == 403
        assert http.get("/collections", headers={"host": "evil.example"}).status_code == 421


def test_what_is_not_here_is_404_and_names_the_real_server(service: Running) -> None:
    with service.http() as http:
        for path in ("/telemetry", "/cluster", "/snapshots", "/dashboard"):
            answer = http.get(path)
            assert (answer.status_code, "Qdrant" in answer.text) == (404, True), path


def test_what_it_measures_has_qdrants_names(service: Running) -> None:
    with service.http() as http:
        http.put("/collections/measured", json={"vectors": {"size": 2, "distance": "Dot"}})
        points = [{"id": 1, "vector": [1, 2]}, {"id": 2, "vector": [2, 3]}]
        http.put("/collections/measured/points", json={"points": points})
        text = http.get("/metrics").text
        http.delete("/collections/measured")
    assert 'collection_points{id="measured"} 2.0' in text
    asked = 'method="PUT",endpoint="/collections/{name}/points",status="200"'
    count = rf"{re.escape(asked)}}} [1-9]"  # others of this file may have asked before
    assert re.search(rf"rest_responses_total{{{count}", text)
    bucket = re.escape(f'{asked},le="+Inf"')
    assert re.search(rf"rest_responses_duration_seconds_bucket{{{bucket}}} [1-9]", text)
    assert 'app_info{name="qdrant",version="' in text


def test_health_and_version(service: Running) -> None:
    with service.http() as http:
        for path in ("/healthz", "/livez", "/readyz"):
            assert http.get(path).status_code == 200
        said = http.get("/").json()
        assert said["title"].startswith("qdrant")
        # Or the client warns that it is not made for this server.
        assert said["version"] == version("qdrant-client")


def test_a_body_without_end_is_cut(service: Running) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 1_000_000

    # It may hang up while we are still sending.
    with service.http() as http, contextlib.suppress(httpx.TransportError):
        answer = http.post("/collections/x/points", content=endless())
        assert answer.status_code == 413
    assert service.process.poll() is None


def test_a_second_engine_waits_for_the_first(data: Path) -> None:
    with serving.vectors(data), started(serving.spec(data)) as second:
        second.wait_for("waiting for another process")
