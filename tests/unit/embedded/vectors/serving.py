"""The vector database as a real process, and its official client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qdrant_client import QdrantClient

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded.running import Running, http, listener, spec_of, started

READY = "vector database answers on"


def spec(data: Path) -> EmbeddedSpec:
    ports = [http(free_port(), "/readyz"), listener(free_port(), ProbeKind.GRPC)]
    return spec_of("vector-db", ports, stands_in=False, data=data)


@contextmanager
def vectors(data: Path, of: EmbeddedSpec | None = None) -> Iterator[Running]:
    with started(of or spec(data)) as service:
        service.wait_for(READY)
        yield service


@contextmanager
def client(of: EmbeddedSpec, *, grpc: bool) -> Iterator[QdrantClient]:
    rest, rpc = (port.listen for port in of.ports)
    made = QdrantClient(
        host="127.0.0.1",
        port=rest,
        grpc_port=rpc,
        prefer_grpc=grpc,
        timeout=30,
        trust_env=False,
        check_compatibility=False,  # in a thread, which may outlive the test
    )
    try:
        yield made
    finally:
        made.close()
