from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ODD, ask, http, spec_of
from tests.unit.embedded.test_standin import until

NO_TASK = "0d8f1c0e-5a3b-4a53-9d3c-0c2f0d1f6a11"


def spec() -> EmbeddedSpec:
    asks = [ask("db-postgres", "ALFRED_DATABASE_URL", ProbeKind.POSTGRES)]
    return spec_of("agent-core", [http(free_port())], asks=asks, api=["tasks"])


def address(port: int) -> dict[str, str]:
    url = f"postgresql://postgres:{quote(ODD, safe='')}@127.0.0.1:{port}/postgres"
    # What a developer may have set for psql must not mislead a stand-in.
    return {"ALFRED_DATABASE_URL": url, "PGHOST": "192.0.2.1", "PGSSLMODE": "require"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of agent-core with its database."""
    data = tmp_path_factory.mktemp("api") / "db"
    with (
        running.postgres(data) as database,
        running.stand_in(spec(), address(database.port)) as core,
        core.http() as client,
    ):
        until(client, "/health", 200)
        yield client


def test_a_task_is_stored_and_read_back(client: httpx.Client) -> None:
    answer = client.post("/v1/tasks", json={"title": "buy milk é", "extra": 1})
    task = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/tasks/{task['id']}"
    assert set(task) == {"id", "title", "status", "created_at", "service"}
    assert (task["title"], task["service"]) == ("buy milk é", "agent-core")
    assert datetime.fromisoformat(task["created_at"]).tzinfo is not None
    story = client.get(answer.headers["location"]).json()
    assert {key: story[key] for key in task} == task
    (hop,) = story["hops"]
    assert (hop["hop"], hop["service"], hop["peer"]) == ("stored", "agent-core", "db-postgres")
    assert hop["ms"] > 0
    assert story["results"] == {}
    assert client.get("/v1/tasks?limit=1").json() == {"tasks": [task]}


@pytest.mark.parametrize("name", [NO_TASK, "7", "not-an-id", "%00", f"{{{NO_TASK}}}", "x" * 5000])
def test_an_id_of_nothing_is_404(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/v1/tasks/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "no-such-task"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad-json"),
        (b"[1]", 422, "bad-title"),
        (b'{"title": "' + b"x" * 501 + b'"}', 422, "bad-title"),
        (b'{"title": "' + b"x" * 70_000 + b'"}', 413, "too-large"),
        (b"x" * 800_000, 413, "too-large"),
    ],
)
def test_what_cannot_be_stored_is_refused(
    client: httpx.Client, body: bytes, status: int, code: str
) -> None:
    answer = client.post("/v1/tasks", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)

    def in_pieces() -> Iterator[bytes]:
        yield body

    answer = client.post("/v1/tasks", content=in_pieces())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_wrong_limit_and_a_wrong_method(client: httpx.Client) -> None:
    assert client.get("/v1/tasks?limit=none").status_code == 422
    answer = client.delete("/v1/tasks")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_a_body_that_is_cut_off_harms_nobody(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), 5) as rude:
        head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
        rude.sendall(head.encode() + b'{"title"')
    assert client.get("/health").status_code == 200


def test_the_database_goes_and_comes_back(tmp_path: Path) -> None:
    data, port = tmp_path / "db", free_port()
    with running.stand_in(spec(), address(port)) as core, core.http() as client:
        answer = client.post("/v1/tasks", json={"title": "too early"})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "database-unavailable"
        assert answer.headers["retry-after"] == "1"
        with running.postgres(data, port=port) as database:
            until(client, "/health", 200)
            stored = client.post("/v1/tasks", json={"title": "kept"})
            assert stored.status_code == 201
            # Not a clean end: its connections die with it, also those in the pool.
            database.end(signal.SIGKILL)
        assert client.get(stored.headers["location"]).status_code == 503
        assert json.loads(client.get("/ready").text)["status"] == "waiting"
        with running.postgres(data, port=port):
            assert client.get(stored.headers["location"]).json()["id"] == stored.json()["id"]
            until(client, "/health", 200)
        assert "Traceback" not in core.text and ODD not in core.text


def test_services_that_start_at_once_share_one_table(tmp_path: Path) -> None:
    with (
        running.postgres(tmp_path / "db") as database,
        running.stand_in(spec(), address(database.port)) as first,
        running.stand_in(spec(), address(database.port)) as second,
        first.http() as one,
        second.http() as other,
    ):
        task = one.post("/v1/tasks", json={"title": "shared"}).json()
        assert other.get(f"/v1/tasks/{task['id']}").json()["title"] == "shared"
