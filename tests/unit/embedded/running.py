"""Embedded services as real processes on free loopback ports."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.embedded.spec import VARIABLE, Ask, EmbeddedSpec, Listener
from tests.servers import free_port

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 30.0
SOON_S = 2.0  # when it should be at once, but other tests keep the processors busy
ODD = 'p@ss/1#x "quoted" é'
DOMAIN = "dev.alfred-platform.example.com"

POSTGRES_READY = "database system is ready to accept connections"
REDIS_READY = "Ready to accept connections"
STAND_IN_READY = "stand-in answers on"

ROOT_ON_LINUX = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="needs root, and user namespaces"
)
# Not root any more, and yet able to read what belongs to root.
NOT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


@dataclass(kw_only=True)
class Running:
    """A running service. ``log`` is what it has said so far, stdout and stderr in one."""

    process: subprocess.Popen[str]
    spec: EmbeddedSpec
    log: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    ended: bool = False

    @property
    def port(self) -> int:
        return self.spec.ports[0].listen

    @property
    def text(self) -> str:
        return "".join(self.log)

    def wait_for(self, words: str) -> None:
        with self.changed:
            said = self.changed.wait_for(lambda: words in self.text or self.ended, TIMEOUT_S)
        assert said and words in self.text, f"{words!r} was not said: {self.text}"

    def http(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=TIMEOUT_S
        )

    def end(self, number: signal.Signals) -> float:
        """Send a signal; return the seconds until the process was gone."""
        started = time.perf_counter()
        self.process.send_signal(number)
        self.process.wait(TIMEOUT_S)
        return time.perf_counter() - started


def http(port: int, path: str = "/health") -> Listener:
    return Listener(listen=port, probe=ProbeKind.HTTP, path=path, purpose="a test")


def listener(port: int, kind: ProbeKind) -> Listener:
    return Listener(listen=port, probe=kind, path="/", purpose="a test")


def ask(service: str, variable: str, probe: ProbeKind, path: str = "/") -> Ask:
    return Ask(service=service, variable=variable, probe=probe, path=path)


def spec_of(
    service: str,
    ports: Sequence[Listener],
    *,
    stands_in: bool = True,
    asks: Sequence[Ask] = (),
    api: Sequence[str] = (),
    data: Path = Path("/nonexistent"),
) -> EmbeddedSpec:
    return EmbeddedSpec(
        id=service,
        title=service.replace("-", " ").title(),
        stands_in=stands_in,
        bind="127.0.0.1",
        domain=DOMAIN,
        ports=tuple(ports),
        asks=tuple(asks),
        api=tuple(api),
        aliases=("an-alias",),
        data=data,
    )


def environment(spec: EmbeddedSpec, variables: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, VARIABLE: spec.to_json(), **variables}


def command(service: str) -> list[str]:
    return [sys.executable, "-m", "alfred_dev.embedded", service]


@contextmanager
def started(
    spec: EmbeddedSpec,
    variables: Mapping[str, str] | None = None,
    *,
    prefix: Sequence[str] = (),
) -> Iterator[Running]:
    """Start the process and do not wait for anything; kill it, and what it left, at the end."""
    process = subprocess.Popen(
        [*prefix, *command(spec.id)],
        cwd=ROOT,
        env=environment(spec, variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    service = Running(process=process, spec=spec)
    reader = threading.Thread(target=_read, args=(service,), daemon=True)
    reader.start()
    try:
        yield service
    finally:
        # The group, because of a prefix. Postgres takes its children, which have groups of their
        # own, along on SIGQUIT; after SIGKILL they notice, which takes a moment longer.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGQUIT if spec.id == "db-postgres" else signal.SIGKILL)
        process.wait(TIMEOUT_S)
        reader.join(TIMEOUT_S)
    assert not reader.is_alive(), "something that it started is still there"


def _read(service: Running) -> None:
    assert service.process.stdout is not None
    with service.process.stdout as output:
        for line in output:
            with service.changed:
                service.log.append(line)
                service.changed.notify_all()
    with service.changed:
        service.ended = True
        service.changed.notify_all()


def run_to_end(
    spec: EmbeddedSpec, variables: Mapping[str, str] | None = None, *, prefix: Sequence[str] = ()
) -> tuple[int, list[str]]:
    """Run a service that is expected to refuse; return its exit code and its lines."""
    with started(spec, variables, prefix=prefix) as service:
        code = service.process.wait(TIMEOUT_S)
    return code, service.log


@contextmanager
def postgres(
    data: Path, *, password: str = ODD, port: int = 0, prefix: Sequence[str] = ()
) -> Iterator[Running]:
    ports = [listener(port or free_port(), ProbeKind.POSTGRES)]
    spec = spec_of("db-postgres", ports, stands_in=False, data=data)
    with started(spec, {"POSTGRES_PASSWORD": password}, prefix=prefix) as service:
        service.wait_for(POSTGRES_READY)
        yield service


@contextmanager
def redis(data: Path, *, password: str = ODD, port: int = 0) -> Iterator[Running]:
    ports = [listener(port or free_port(), ProbeKind.REDIS)]
    spec = spec_of("redis", ports, stands_in=False, data=data)
    with started(spec, {"REDIS_PASSWORD": password}) as service:
        service.wait_for(REDIS_READY)
        yield service


@contextmanager
def stand_in(spec: EmbeddedSpec, variables: Mapping[str, str] | None = None) -> Iterator[Running]:
    with started(spec, variables) as service:
        service.wait_for(STAND_IN_READY)
        yield service
