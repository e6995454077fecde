"""Containers of one Docker engine: changed through Compose, observed through the engine's API."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alfred_dev.engine.api import MISSING, Engine, EngineAnswerError
from alfred_dev.engine.command import Docker, Done
from alfred_dev.engine.refusals import refused
from alfred_dev.errors import MachineError
from alfred_dev.runtime import container_logs as said
from alfred_dev.runtime import containers
from alfred_dev.runtime.base import LaunchSpec, Observed
from alfred_dev.runtime.container_events import ended_by
from alfred_dev.runtime.containers import ENDED_BY, PROJECT_LABEL, SPEC_LABEL, service_of
from alfred_dev.workspace import Workspace, make_private_folder, write

SPECS = "specs.json"  # in the render folder: how each container is to be started
WHOLE = "compose.json"  # the compose file, for programs
PART = "compose.json"  # in .alfred/run: of it what is started now
RECORD = "containers.json"  # in .alfred/run: how each was started
QUESTIONS_AT_ONCE = 6
STOP_TIMEOUT_S = 10
LOOK_S = 1.0  # between two looks for containers that came later


@dataclass(frozen=True, slots=True)
class ComposeRuntime:
    """The services of one checkout as containers. ``variables``: what the compose file asks for."""

    workspace: Workspace
    docker: Docker
    engine: Engine
    variables: Mapping[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The word that ``--runtime`` takes."""
        return "docker"

    @property
    def project(self) -> str:
        """The checkout's name in the engine."""
        return self.workspace.project

    # --- looking -----------------------------------------------------------------------------

    def observe(self, ports: Mapping[str, Iterable[int]]) -> Observed:
        """Take one snapshot."""
        del ports  # the engine tells which ports are published
        now = time.time()
        record = self._record()
        services = {}
        for listed, inspected in self.inspected(self.listed()):
            name = service_of(listed)
            spec = record.get(name)
            fits = spec is not None and listed["Labels"].get(SPEC_LABEL) == spec.digest()
            services[name] = containers.running(listed, inspected, spec if fits else None, now)
        pids = {found.pid for found in services.values() if found.pid}
        return Observed(alive=True, services=services, pids=frozenset(pids))

    def listed(self) -> list[dict[str, Any]]:
        """Return every container of this checkout as the engine lists it."""
        filters = {"label": [f"{PROJECT_LABEL}={self.project}"]}
        found: list[dict[str, Any]] = self._ask("/containers/json", all="1", filters=filters)
        return sorted(found, key=service_of)

    def container(self, name: str) -> str | None:
        """Return the id of the container of one service, None where there is none."""
        return self._ids([name]).get(name)

    def inspected(
        self, found: Sequence[dict[str, Any]]
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return each container with its details; those that changed nothing are not asked again.

        The engine's own words (``Up 2 minutes``) change when anything does, and rarely else.
        """
        keys = [(str(c["Id"]), f"{c['State']} {c['Status']}") for c in found]
        missing = [key for key in keys if key not in self._known]
        if missing:
            with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
                details = list(pool.map(lambda key: self._details(key[0]), missing))
            answers = dict(zip(missing, details, strict=True))
            self._known.update({k: v for k, v in answers.items() if v is not None})
        pairs = ((c, self._known.get(key)) for c, key in zip(found, keys, strict=True))
        return [(c, details) for c, details in pairs if details is not None]

    def _details(self, container: str) -> dict[str, Any] | None:
        """Return all about one container, None when it has just been removed."""
        engine = Engine(self.engine.endpoint)
        try:
            found: dict[str, Any] = engine.get(f"/containers/{container}/json")
            if containers.failed(found):
                found["State"][ENDED_BY] = ended_by(engine, found)
        except EngineAnswerError as error:
            if error.status == MISSING:
                return None
            raise self._no(error) from error
        return found

    def _ask(self, path: str, **query: object) -> Any:
        try:
            return self.engine.get(path, **query)
        except EngineAnswerError as error:
            raise self._no(error) from error

    def _no(self, error: EngineAnswerError) -> MachineError:
        return MachineError(
            "engine-refused", "the Docker engine says no", cause=str(error), fix=["docker version"]
        )

    def trouble(self) -> str:
        """Say what is wrong with the runtime itself: an engine that is down is an error."""
        return ""

    # --- changing ----------------------------------------------------------------------------

    def apply(self, start: Sequence[str], restart: Sequence[str]) -> None:
        """Have Compose make the containers as rendered; returns before anything is healthy."""
        wanted = self._specs(self.workspace.render / SPECS)
        self._remove([c for c in self.listed() if service_of(c) not in wanted])
        names = [name for name in (*start, *restart) if name in wanted]
        if not names:
            return
        self._unpause(names)
        self._note_down({name: wanted[name] for name in names})
        options = ["--detach", "--no-deps", "--no-build", "--quiet-pull"]
        done = self.compose("--file", str(self._part(names)), "up", *options)
        if done.code != 0:
            raise refused(done.error, "starting the containers")

    def _part(self, names: Sequence[str]) -> Path:
        """Write a compose file of ``names`` alone: Compose makes every volume that its file has."""
        whole = json.loads((self.workspace.render / WHOLE).read_text())
        services = {name: whole["services"][name] for name in names}
        mounted = {v["source"] for s in services.values() for v in s.get("volumes", ())}
        volumes = {k: v for k, v in whole.get("volumes", {}).items() if k in mounted}
        part = {**whole, "services": services, "volumes": volumes}
        for entry in services.values():
            entry.pop("depends_on", None)
        path = self.workspace.run / PART
        write(path, json.dumps(part).encode())
        return path

    def stop(self, names: Iterable[str]) -> None:
        """Stop containers and wait until they have ended."""
        there = {service_of(c) for c in self.listed()}
        wanted = [name for name in names if name in there]
        if wanted:
            self._unpause(wanted)
            self._change("stop", "--timeout", str(STOP_TIMEOUT_S), *wanted, doing="stopping")

    def end_all(self) -> list[str]:
        """Do nothing: the engine loses no containers."""
        return []

    def down(self, *, volumes: bool = False) -> list[str]:
        """Remove containers and networks; with ``volumes`` the data too."""
        options = ["--remove-orphans", "--timeout", str(STOP_TIMEOUT_S)]
        if self.listed():
            self._unpause([service_of(c) for c in self.listed()])
            self._change("down", *options, *(["--volumes"] if volumes else []), doing="ending")
        self._sweep(volumes=volumes)
        (self.workspace.run / RECORD).unlink(missing_ok=True)
        return []

    def _sweep(self, *, volumes: bool) -> None:
        """Remove what a broken start left without any container."""
        filters = {"label": [f"{PROJECT_LABEL}={self.project}"]}
        networks = [n["Name"] for n in self._ask("/networks", filters=filters)]
        kept = self._ask("/volumes", filters=filters)["Volumes"] if volumes else []
        names = [v["Name"] for v in kept or ()]
        for kind, found in (("network", networks), ("volume", names)):
            if found:
                done = self.docker.run(kind, "rm", *found)
                if done.code != 0:
                    raise refused(done.error, f"removing {', '.join(found)}")

    def _remove(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Remove containers of services that there are no more."""
        if found:
            self.docker.run("rm", "--force", *(str(c["Id"]) for c in found))

    def _unpause(self, names: Sequence[str]) -> None:
        """Wake what was paused by hand: it can be neither stopped nor started."""
        paused = [c for c in self.listed() if c["State"] == "paused" and service_of(c) in names]
        if paused:
            self.docker.run("unpause", *(str(c["Id"]) for c in paused))

    def _change(self, *arguments: str, doing: str) -> None:
        done = self.compose(*arguments)
        if done.code != 0:
            raise refused(done.error, f"{doing} the containers")

    def compose(self, *arguments: str) -> Done:
        """Run Compose on this checkout's project; without a file by labels alone."""
        head = ["--ansi", "never", "--progress", "quiet", "--project-name", self.project]
        head += ["--project-directory", str(self.workspace.render)]
        # What is not in the part that is started now is no orphan.
        given = {**self.variables, "COMPOSE_IGNORE_ORPHANS": "true"}
        return self.docker.change("compose", *head, *arguments, variables=given)

    # --- how containers were started -----------------------------------------------------------

    def _record(self) -> dict[str, LaunchSpec]:
        return self._specs(self.workspace.run / RECORD)

    def _specs(self, path: Path) -> dict[str, LaunchSpec]:
        """Read what was written down; a torn file counts as absent."""
        try:
            found = json.loads(path.read_text())
            return {name: LaunchSpec.from_json(json.dumps(spec)) for name, spec in found.items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _note_down(self, specs: Mapping[str, LaunchSpec]) -> None:
        record = {**self._record(), **specs}
        make_private_folder(self.workspace.run)
        text = json.dumps({name: json.loads(spec.to_json()) for name, spec in record.items()})
        write(self.workspace.run / RECORD, text.encode())

    # --- what they say -----------------------------------------------------------------------

    def logs(self, names: Sequence[str]) -> dict[str, str]:
        """Return all that services have said."""
        ids = self._ids(names)
        with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
            texts = pool.map(lambda container: self._said(container, tail="all"), ids.values())
            return dict(zip(ids, texts, strict=True))

    def last_words(self, name: str, size: int) -> str:
        """Return at most the last ``size`` bytes that a service has said."""
        found = self.container(name)
        return self._said(found, tail="200")[-size:] if found else ""

    def _said(self, container: str, *, tail: str) -> str:
        chunks = self._stream(container, tail=tail, follow="0")
        return said.stamped(b"".join(said.payload(chunks)))

    def _stream(self, container: str, *, tail: str, follow: str) -> Iterator[bytes]:
        asked = {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": tail, "follow": follow}
        with contextlib.suppress(EngineAnswerError):  # removed meanwhile
            yield from Engine(self.engine.endpoint).stream(f"/containers/{container}/logs", **asked)

    def _ids(self, names: Sequence[str]) -> dict[str, str]:
        found = {service_of(c): str(c["Id"]) for c in self.listed()}
        return {name: found[name] for name in names if name in found}

    def follow(self, names: Sequence[str]) -> Iterable[Mapping[str, str]]:
        """Yield what services say from now on; a container that comes later is heard too."""
        return _Followed(self, names)


class _Followed:
    """One thread a container, and one that looks for new ones."""

    def __init__(self, runtime: ComposeRuntime, names: Sequence[str]) -> None:
        self.runtime, self.names = runtime, names
        self.lines: queue.Queue[dict[str, str]] = queue.Queue()
        self.heard: set[str] = set()
        self._listen(tail="0")

    def _listen(self, *, tail: str) -> None:
        for name, container in self.runtime._ids(self.names).items():
            if container not in self.heard:
                self.heard.add(container)
                arguments = (name, container, tail)
                threading.Thread(target=self._hear, args=arguments, daemon=True).start()

    def _hear(self, name: str, container: str, tail: str) -> None:
        chunks = self.runtime._stream(container, tail=tail, follow="1")
        for lines in said.whole_lines(said.payload(chunks)):
            self.lines.put({name: said.stamped(lines)})
        self.heard.discard(container)  # it ended: it may be started again

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        while True:
            try:
                yield self.lines.get(timeout=LOOK_S)
            except queue.Empty:
                self._listen(tail="all")
                yield {}
