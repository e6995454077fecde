"""How fast the embedded engines are: ``python -m bench.engines [pubsub] [mail] ...``.

Prints one table of medians, and ratios where there is something to compare with; judges nothing.
One function an engine, each a row or more; everything runs on free ports of 127.0.0.1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import VARIABLE, EmbeddedSpec, Listener

ROUNDS = 5
START_LIMIT_S = 30.0
Row = tuple[str, str, str]  # what, measured, what it must reach


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def engine(service: str, kinds: Sequence[ProbeKind], data: Path) -> Iterator[tuple[list[int], int]]:
    """Run an embedded engine; yield its ports and its process number."""
    ports = [free_port() for _ in kinds]
    spec = EmbeddedSpec(
        id=service, title=service, stands_in=False, bind="127.0.0.1", domain="example.com",
        ports=tuple(
            Listener(listen=port, probe=kind, path="/", purpose="a measurement")
            for port, kind in zip(ports, kinds, strict=True)
        ),
        asks=(), api=(), aliases=(), data=data,
    )  # fmt: skip
    command = [sys.executable, "-m", "alfred_dev.embedded", service]
    with running(command, {VARIABLE: spec.to_json()}) as pid:
        yield ports, pid


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Run a server while the block runs."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def until(ready: Callable[[], bool]) -> float:
    """Return the seconds until ``ready``; whatever goes wrong before is not ready yet."""
    began = time.perf_counter()
    while time.perf_counter() - began < START_LIMIT_S:
        with contextlib.suppress(Exception):
            if ready():
                return time.perf_counter() - began
        time.sleep(0.005)
    raise SystemExit("it did not become ready")


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own / 1024 + sum(memory_mb(int(child)) for child in children)


def median(measure: Callable[[], float], rounds: int = ROUNDS) -> float:
    """Return the median of several measurements."""
    return statistics.median(measure() for _ in range(rounds))


# --- Pub/Sub -------------------------------------------------------------------------------------

PUBSUB_MESSAGES, PUBSUB_SIZE = 10_000, 1024
PUBSUB_QUEUES = (1_000, 100_000)


def pubsub() -> Iterator[Row]:
    """Ours beside Google's emulator, where the machine has it; the official client for both."""
    with tempfile.TemporaryDirectory() as folder:

        def ours() -> contextlib.AbstractContextManager[tuple[list[int], int]]:
            return engine("pubsub-emulator", [ProbeKind.PUBSUB], Path(folder, "data"))

        mine = median(lambda: _pubsub_start(ours), 3)
        yield "Pub/Sub: start to ready", f"{mine:.2f} s", "<= 1.5 s"
        with ours() as ([port], pid):
            until(lambda: _http_ok(port))
            took = median(lambda: _pubsub_traffic(port, PUBSUB_MESSAGES))
            per = [_pubsub_drain(port, count) / count * 1e6 for count in PUBSUB_QUEUES]
            memory = memory_mb(pid)
        yield f"Pub/Sub: {PUBSUB_MESSAGES} x 1 KB, published and received", f"{took:.2f} s", ""
        for count, microseconds in zip(PUBSUB_QUEUES, per, strict=True):
            yield f"Pub/Sub: one message of {count} queued", f"{microseconds:.1f} us", ""
        yield "Pub/Sub: the same, many to few", f"{per[1] / per[0]:.2f} x", "<= 1.5 x"
        yield "Pub/Sub: memory afterwards", f"{memory:.0f} MB", ""
    yield from _google(took, mine)


def _google(took: float, start: float) -> Iterator[Row]:
    from alfred_dev import facts, projectfile
    from alfred_dev.workspace import Workspace

    catalog = projectfile.loaded(Workspace(Path(tempfile.gettempdir()))).catalog
    binary = catalog.services["pubsub-emulator"].binary
    found = facts.find(binary, os.environ["PATH"]) if binary else ""
    if isinstance(found, str):
        yield "Pub/Sub: Google's emulator", found or "not here", ""
        return
    options = dict(binary.environment) if binary else {}

    @contextlib.contextmanager
    def theirs() -> Iterator[tuple[list[int], int]]:
        port = free_port()
        with running([found.path, "--host=127.0.0.1", f"--port={port}"], options) as pid:
            yield [port], pid

    begun = median(lambda: _pubsub_start(theirs), 3)
    with theirs() as ([port], _):
        until(lambda: _http_ok(port))
        other = median(lambda: _pubsub_traffic(port, PUBSUB_MESSAGES))
    yield "Google's emulator: start to ready", f"{begun:.2f} s", f"ours {start / begun:.2f} x"
    what = f"Google's emulator: {PUBSUB_MESSAGES} x 1 KB"
    yield what, f"{other:.2f} s", f"ours {took / other:.2f} x (<= 1)"


def _pubsub_start(server: Callable[[], Any]) -> float:
    with server() as ([port], _):
        return until(lambda: _http_ok(port))


def _http_ok(port: int) -> bool:
    import httpx

    return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=5).status_code == 200


def _clients(port: int) -> tuple[Any, Any, str, str]:
    """Return the official clients, and a new topic with a new subscription."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{port}"
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    stamp = time.monotonic_ns()
    topic, subscription = (
        f"projects/bench/topics/t{stamp}",
        f"projects/bench/subscriptions/s{stamp}",
    )
    publisher.create_topic(name=topic)
    subscriber.create_subscription(name=subscription, topic=topic, ack_deadline_seconds=600)
    return publisher, subscriber, topic, subscription


def _pubsub_traffic(port: int, count: int) -> float:
    """Return the seconds from the first publish until all are received and acknowledged."""
    publisher, subscriber, topic, subscription = _clients(port)
    left, done = count, threading.Event()
    lock = threading.Lock()

    def receive(message: Any) -> None:
        nonlocal left
        message.ack()
        with lock:
            left -= 1
            if left == 0:
                done.set()

    streaming = subscriber.subscribe(subscription, receive)
    began = time.perf_counter()
    futures = [publisher.publish(topic, b"x" * PUBSUB_SIZE) for _ in range(count)]
    for future in futures:
        future.result()
    assert done.wait(120), f"{left} messages did not come"
    took = time.perf_counter() - began
    streaming.cancel()
    streaming.result()
    subscriber.delete_subscription(subscription=subscription)
    publisher.delete_topic(topic=topic)
    subscriber.close()
    return took


def _pubsub_drain(port: int, count: int) -> float:
    """Return the seconds to pull and acknowledge ``count`` queued messages, by Pull."""
    publisher, subscriber, topic, subscription = _clients(port)
    for future in [publisher.publish(topic, b"x" * PUBSUB_SIZE) for _ in range(count)]:
        future.result()
    began, left = time.perf_counter(), count
    while left:
        answer = subscriber.pull(subscription=subscription, max_messages=min(left, 1000))
        ids = [message.ack_id for message in answer.received_messages]
        subscriber.acknowledge(subscription=subscription, ack_ids=ids)
        left -= len(ids)
    took = time.perf_counter() - began
    subscriber.delete_subscription(subscription=subscription)
    subscriber.close()
    return took


# --- Mail ----------------------------------------------------------------------------------------

MAILS, MAIL_CONNECTIONS = 1000, 10


def mail() -> Iterator[Row]:
    """Mails of 2 KB over several connections at once, until each is acknowledged: on the disk."""
    kinds = [ProbeKind.SMTP, ProbeKind.HTTP]

    def ours(folder: str) -> contextlib.AbstractContextManager[tuple[list[int], int]]:
        return engine("mail-server", kinds, Path(folder, "data"))

    with tempfile.TemporaryDirectory() as folder:
        starts = []
        for _ in range(ROUNDS):
            with ours(folder) as ([_, web], _):
                starts.append(until(lambda: _http_ok(web)))
        yield "Mail: start to ready", f"{statistics.median(starts):.2f} s", "<= 1.5 s"
        with ours(folder) as ([port, web], pid):
            until(lambda: _http_ok(web))
            took = median(lambda: _mail_traffic(port), 3)
            yield f"Mail: {MAILS} over {MAIL_CONNECTIONS} connections", f"{took:.2f} s", "<= 5 s"
            yield "Mail: memory afterwards", f"{memory_mb(pid):.0f} MB", ""


def _mail_traffic(port: int) -> float:
    from concurrent.futures import ThreadPoolExecutor

    each = MAILS // MAIL_CONNECTIONS
    began = time.perf_counter()
    with ThreadPoolExecutor(MAIL_CONNECTIONS) as pool:
        list(pool.map(lambda _: _send_mails(port, each), range(MAIL_CONNECTIONS)))
    return time.perf_counter() - began


def _send_mails(port: int, count: int) -> None:
    import smtplib

    body = "Subject: a measurement\r\n\r\n" + "x" * 70 + "\r\n" + ("y" * 76 + "\r\n") * 24
    with smtplib.SMTP("127.0.0.1", port) as client:
        for _ in range(count):
            client.sendmail("bench@example.com", ["you@example.com"], body)


# --- Vector DB -----------------------------------------------------------------------------------

POINTS, DIMENSIONS, VECTOR_BATCH = 10_000, 384, 200


def vectors() -> Iterator[Row]:
    """The official client, by REST and by gRPC; starts with all points there."""
    goals = {"REST": "<= 15 s", "gRPC": "<= 10 s"}
    with tempfile.TemporaryDirectory() as folder:

        def ours() -> contextlib.AbstractContextManager[tuple[list[int], int]]:
            return engine("vector-db", [ProbeKind.HTTP, ProbeKind.GRPC], Path(folder, "data"))

        with ours() as (ports, pid):
            until(lambda: _http_ok(ports[0]))
            for door, goal in goals.items():
                upsert, query, filtered = _vector_traffic(ports, grpc=door == "gRPC")
                what = f"Vector DB: {POINTS} x {DIMENSIONS} by {door}"
                yield f"{what}: upsert", f"{upsert:.2f} s", goal
                yield f"{what}: query, p50", f"{query * 1e3:.1f} ms", "<= 15 ms"
                yield f"{what}: query with a filter, p50", f"{filtered * 1e3:.1f} ms", ""
            yield "Vector DB: memory afterwards", f"{memory_mb(pid):.0f} MB", ""
        starts = []
        for _ in range(ROUNDS):
            with ours() as (ports, _):
                starts.append(until(lambda: _http_ok(ports[0])))
        yield "Vector DB: start to ready", f"{statistics.median(starts):.2f} s", "<= 1.5 s"


def _vector_traffic(ports: Sequence[int], *, grpc: bool) -> tuple[float, float, float]:
    """Return the seconds of all upserts, of one query, and of one with a filter."""
    import random

    from qdrant_client import QdrantClient, models

    chance = random.Random(7)
    rows = [[chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(POINTS)]
    points = [
        models.PointStruct(id=i, vector=row, payload={"group": i % 10})
        for i, row in enumerate(rows)
    ]
    client = QdrantClient(
        host="127.0.0.1", port=ports[0], grpc_port=ports[1], prefer_grpc=grpc, trust_env=False,
        timeout=60,
    )  # fmt: skip
    client.delete_collection("bench")
    size = models.VectorParams(size=DIMENSIONS, distance=models.Distance.COSINE)
    client.create_collection("bench", vectors_config=size)
    began = time.perf_counter()
    for start in range(0, POINTS, VECTOR_BATCH):
        client.upsert("bench", points[start : start + VECTOR_BATCH], wait=True)
    upsert = time.perf_counter() - began
    condition = models.FieldCondition(key="group", match=models.MatchValue(value=3))
    times = []
    for chosen in (None, models.Filter(must=[condition])):
        queries = iter(rows)

        def query(chosen: models.Filter | None = chosen, queries: Iterator[Any] = queries) -> float:
            began = time.perf_counter()
            client.query_points("bench", query=next(queries), query_filter=chosen, limit=10)
            return time.perf_counter() - began

        times.append(median(query, 100))
    client.close()
    return upsert, times[0], times[1]


# --- Postgres and Redis --------------------------------------------------------------------------


def databases() -> Iterator[Row]:
    """Start to ready, with data there, as our own probes see it."""
    secrets = {"POSTGRES_PASSWORD": "bench", "REDIS_PASSWORD": "bench"}
    goals = (
        ("db-postgres", ProbeKind.POSTGRES, "<= 0.5 s"),
        ("redis", ProbeKind.REDIS, "<= 0.2 s"),
    )
    os.environ.update(secrets)
    for service, kind, goal in goals:
        with tempfile.TemporaryDirectory() as folder:
            starts = []
            for _ in range(ROUNDS + 1):
                with engine(service, [kind], Path(folder, "data")) as ([port], _):
                    starts.append(until(lambda: _probed(kind, port)))  # noqa: B023 - used at once
        yield f"{service}: start to ready", f"{statistics.median(starts[1:]):.2f} s", goal


def _probed(kind: ProbeKind, port: int) -> bool:
    import asyncio

    from alfred_dev.probe.base import Target
    from alfred_dev.probe.run import probe

    user = "postgres" if kind is ProbeKind.POSTGRES else ""
    target = Target(
        kind=kind, host="127.0.0.1", port=port, user=user, password="bench", database=user
    )
    return asyncio.run(probe(target, timeout_s=1.0)).ok


# --- The flow of events --------------------------------------------------------------------------

TRIPS = 100
_INSIDE = "ALFRED_BENCH_INSIDE"


def flow() -> Iterator[Row]:
    """`alfred-dev flow events` through a whole stack, on ports of its own (root on Linux)."""
    if _INSIDE not in os.environ:
        again = [sys.executable, "-m", "bench.engines", "flow"]
        command = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *again]
        subprocess.run(command, env={**os.environ, _INSIDE: "1"}, check=True)
        return
    root = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": root, "HOME": folder}
        environment["ALFRED_RUNTIME"] = "process"  # containers would not be in this namespace

        def alfred(*arguments: str) -> str:
            command = [sys.executable, "-m", "alfred_dev", *arguments]
            done = subprocess.run(
                command, cwd=project, env=environment, check=True, capture_output=True, text=True
            )
            return done.stdout

        project = Path(folder, "project")
        project.mkdir()
        (project / "alfred.yaml").touch()
        try:
            alfred("up")
            alfred("flow", "events", "-n", "5")  # imports and tables are made once
            for which in ("api", "events"):
                yield from _flow_rows(which, alfred("flow", which, "-n", str(TRIPS), "--json"))
        finally:
            alfred("down")


def _flow_rows(which: str, document: str) -> Iterator[Row]:
    import json

    told = json.loads(document)
    total = next(hop for hop in told["hops"] if hop["hop"] == "end to end")
    goal = "<= 250 ms" if which == "events" else ""
    what = f"flow {which} -n {TRIPS} through {told['through']}"
    yield f"{what}, p50", f"{total['p50_ms']:.0f} ms", ""
    yield f"{what}, p95", f"{total['p95_ms']:.0f} ms", goal


ENGINES: dict[str, Callable[[], Iterator[Row]]] = {
    "pubsub": pubsub,
    "mail": mail,
    "vectors": vectors,
    "databases": databases,
    "flow": flow,
}


def main() -> None:
    """Measure what is named, all by default, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=", ".join(ENGINES))
    names = parser.parse_args().engines or list(ENGINES)
    for name in names:
        for what, measured, goal in ENGINES[name]():
            print(f"{what:62} {measured:>12}   {goal}", flush=True)


if __name__ == "__main__":
    main()
