"""The parts of the platform's API that stand-ins play: who knows how, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.peers import Calls, Peer
from alfred_dev.embedded.readiness import Readiness, address
from alfred_dev.embedded.spec import Ask, EmbeddedSpec, SpecError

if TYPE_CHECKING:
    from alfred_dev.embedded.task_store import TaskStore
    from alfred_dev.embedded.tasks import Task

# Part -> the module that plays it, which has ``part(shared)``; imported only by who plays it.
MODULES: Mapping[str, str] = {
    "tasks": "alfred_dev.embedded.tasks_api",
    "events": "alfred_dev.embedded.events",
    "work": "alfred_dev.embedded.work",
    "rag": "alfred_dev.embedded.rag",
    "models": "alfred_dev.embedded.models_api",
    "ask": "alfred_dev.embedded.ask",
    "chat": "alfred_dev.embedded.chat",
}

Background = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a part adds. ``background``: runs as long as the stand-in; ``routes``: WebSockets."""

    pages: Sequence[Page] = ()
    background: Sequence[Background] = ()
    routes: Sequence[BaseRoute] = ()
    home: Page | None = None


@dataclass(kw_only=True)
class Shared:
    """What the parts of one stand-in have in common. ``on_task``: told of every new task."""

    spec: EmbeddedSpec
    environ: Mapping[str, str]
    readiness: Readiness
    calls: Calls = field(default_factory=Calls)
    on_task: list[Callable[[Task], None]] = field(default_factory=list)
    _peers: dict[str, Peer] = field(default_factory=dict)
    _on_close: list[Callable[[], object]] = field(default_factory=list)

    @property
    def project(self) -> str:
        """Return the project under which topics stand."""
        return self.environ.get("ALFRED_PROJECT_ID") or "alfred-agent-platform"

    def ask_of(self, service: str) -> Ask:
        """Return how to reach ``service``. Raises SpecError when it is not among the asks."""
        for ask in self.spec.asks:
            if ask.service == service:
                return ask
        raise SpecError(f"{self.spec.id} plays a part that needs {service}, and has no address")

    def peer(self, service: str) -> Peer:
        """Return the other service, to call it by HTTP."""
        if service not in self._peers:
            found = Peer(service, address(self.ask_of(service), self.environ), self.calls)
            self._peers[service] = found
            self._on_close.append(found.close)
        return self._peers[service]

    @cached_property
    def store(self) -> TaskStore:
        """Return the tasks in Postgres; brings a database client along."""
        from alfred_dev.embedded.task_store import TaskStore

        database = address(self.database, self.environ)
        opened = TaskStore(database, self.spec.id, self.database.service, self.calls)
        self._on_close.append(opened.close)
        return opened

    def require_database(self) -> None:
        """Raise SpecError when Postgres is not among the asks."""
        _ = self.database

    @property
    def database(self) -> Ask:
        """Return how to reach Postgres. Raises SpecError when it is not among the asks."""
        asks = [ask for ask in self.spec.asks if ask.probe is ProbeKind.POSTGRES]
        if not asks:
            raise SpecError("tasks are kept in Postgres, and no Postgres is among the asks")
        return asks[0]

    def close(self) -> None:
        """Let go of what was opened."""
        for end in self._on_close:
            end()


def parts(shared: Shared) -> list[Part]:
    """Return every part that the instructions name. Raises SpecError for an unknown one."""
    found = []
    for name in shared.spec.api:
        if name not in MODULES:
            raise SpecError(f"no stand-in plays the part {name} of the platform's API")
        found.append(import_module(MODULES[name]).part(shared))
    return found
