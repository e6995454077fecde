"""All that takes part in the flows, as processes on free ports, without supervisor and plan."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import EmbeddedSpec
from tests.servers import free_port
from tests.unit.embedded import running
from tests.unit.embedded.running import ODD, Running, ask, http, listener, spec_of
from tests.unit.embedded.vectors import serving

PROJECT = "alfred-agent-platform"
CORE, RAG = "agent-core", "agent-rag"
WORKERS = ("agent-social", "agent-financial", "agent-legal")

DATABASE = ask("db-postgres", "ALFRED_DATABASE_URL", ProbeKind.POSTGRES)
PUBSUB = ask("pubsub-emulator", "ALFRED_PUBSUB_EMULATOR_HOST", ProbeKind.PUBSUB)
VECTORS = ask("vector-db", "ALFRED_QDRANT_URL", ProbeKind.HTTP, "/readyz")
RAGS = ask("agent-rag", "ALFRED_RAG_URL", ProbeKind.HTTP, "/health")


@dataclass
class Platform:
    """What runs, by service. ``mails``: every letter that came."""

    services: dict[str, Running] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    def enter(self, service: AbstractContextManager[Running]) -> Running:
        """Start one more, which ends with the others."""
        return self.stack.enter_context(service)

    def post(self, title: str, **more: str) -> str:
        """Store a task; return its id."""
        with self.services[CORE].http() as client:
            answer = client.post("/v1/tasks", json={"title": title, **more})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

    def story(self, task: str) -> Any:
        with self.services[CORE].http() as client:
            return client.get(f"/v1/tasks/{task}").json()

    def until(self, task: str, reached: Callable[[Any], bool]) -> Any:
        """Return the story of a task as soon as it has ``reached``."""
        end = time.monotonic() + running.TIMEOUT_S
        while not reached(story := self.story(task)):
            assert time.monotonic() < end, story
            time.sleep(0.05)
        return story


class _Mailbox(socketserver.StreamRequestHandler):
    """Just enough SMTP for one letter."""

    def handle(self) -> None:
        letter: list[str] | None = None
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            verb = line[:4].upper()
            if verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = []
                while (part := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    letter.append(part)
                self.server.mails.append("\n".join(letter))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")


@contextmanager
def mailbox(mails: list[str]) -> Iterator[int]:
    """Receive letters into ``mails``; yield the port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        server.daemon_threads = True
        server.mails = mails  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def pubsub_spec(port: int, data: Path) -> EmbeddedSpec:
    return spec_of(
        "pubsub-emulator", [listener(port, ProbeKind.PUBSUB)], stands_in=False, data=data
    )


@contextmanager
def pubsub(port: int, data: Path) -> Iterator[Running]:
    with running.started(pubsub_spec(port, data)) as service:
        service.wait_for("answers on")
        yield service


@contextmanager
def up(folder: Path) -> Iterator[Platform]:
    """Run everything; ready when all stand-ins are healthy."""
    made = Platform()
    with made.stack as stack:
        database = stack.enter_context(running.postgres(folder / "db"))
        vectors = serving.spec(folder / "vectors")
        stack.enter_context(running.started(vectors))
        emulator, smtp = free_port(), stack.enter_context(mailbox(made.mails))
        made.services["pubsub-emulator"] = stack.enter_context(pubsub(emulator, folder / "pubsub"))
        password = quote(ODD, safe="")
        told = {
            "ALFRED_DATABASE_URL": f"postgresql://postgres:{password}@127.0.0.1:{database.port}/postgres",
            "ALFRED_PUBSUB_EMULATOR_HOST": f"127.0.0.1:{emulator}",
            "ALFRED_QDRANT_URL": f"http://127.0.0.1:{vectors.ports[0].listen}",
            "ALFRED_PROJECT_ID": PROJECT,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp),
        }
        rag = spec_of(RAG, [http(free_port())], asks=[VECTORS], api=["rag"])
        told["ALFRED_RAG_URL"] = f"http://127.0.0.1:{rag.ports[0].listen}"
        asks = [DATABASE, PUBSUB]
        specs = [rag, spec_of(CORE, [http(free_port())], asks=asks, api=["tasks", "events"])]
        for name in WORKERS:
            asks = [DATABASE, PUBSUB, RAGS]
            specs.append(spec_of(name, [http(free_port())], asks=asks, api=["tasks", "work"]))
        for spec in specs:
            made.services[spec.id] = stack.enter_context(running.stand_in(spec, told))
        healthy(made.services[name] for name in (RAG, CORE, *WORKERS))
        yield made


def healthy(services: Iterator[Running]) -> None:
    for service in services:
        with service.http() as client:
            end = time.monotonic() + running.TIMEOUT_S
            while client.get("/health").status_code != 200:
                assert time.monotonic() < end, service.text
                time.sleep(0.05)


def _subscriptions(platform: Platform) -> str:
    port = platform.services["pubsub-emulator"].port
    return f"http://127.0.0.1:{port}/v1/projects/{PROJECT}/subscriptions"


def forget(platform: Platform, subscription: str) -> None:
    answer = httpx.delete(f"{_subscriptions(platform)}/{subscription}", trust_env=False)
    assert answer.status_code == 200, answer.text


def subscriptions(platform: Platform) -> Mapping[str, Any]:
    found = httpx.get(_subscriptions(platform), trust_env=False).json().get("subscriptions", [])
    return {row["name"].rpartition("/")[2]: row for row in found}
