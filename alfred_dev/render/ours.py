"""The container of a service that runs in our own image: an embedded engine, or a stand-in."""

from __future__ import annotations

from pathlib import Path

from alfred_dev import __version__
from alfred_dev.catalog.model import Container, ProbeKind
from alfred_dev.embedded.engines import STOP_SIGNALS
from alfred_dev.embedded.spec import Ask, EmbeddedSpec, Listener
from alfred_dev.hostnames import DASHBOARD
from alfred_dev.plan import Plan, PlannedService, Source, SourceKind

IMAGE = f"alfred-dev/embedded:{__version__}"
DATA = "/var/lib/alfred"
HOME = "/run/alfred"  # of our helpers: what they share with this machine, laid out as there
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container; the published port is on loopback
# What answers with a status line. Of the others it is enough that they listen.
_HTTP = (ProbeKind.HTTP, ProbeKind.PUBSUB)
# The smallest start of Python there is: no site packages, and a socket in place of a client.
_CONNECT = 'import socket; s = socket.create_connection(("127.0.0.1", {port}), 4)'
_ASK = (
    f'{_CONNECT}; s.sendall(b"GET {{path}} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n"); '
    'raise SystemExit(b" 200 " not in s.recv(64))'
)


def container(service: PlannedService, source: Source) -> Container:
    """Return how our image runs ``service``."""
    engine = source.kind is SourceKind.EMBEDDED
    return Container(
        command=("python3", "-m", "alfred_dev.embedded", service.id),
        # What helpers keep is in files of this machine: its commands read and write them too.
        volume=DATA if engine and not service.is_helper else None,
        health=_health(service),
        memory="512m" if engine else "256m",
        shm="128m" if engine else None,
        stop_signal=f"SIG{STOP_SIGNALS[service.id]}" if service.id in STOP_SIGNALS else None,
        read_only=True,
    )


def _health(service: PlannedService) -> tuple[str, ...]:
    for endpoint in service.endpoints[:1]:
        code = (_ASK if endpoint.probe in _HTTP else _CONNECT).format(
            port=endpoint.container_port, path=endpoint.path
        )
        return ("python3", "-I", "-S", "-c", code)
    return ()


def spec(service: PlannedService, source: Source, plan: Plan) -> EmbeddedSpec:
    """Return what ``alfred_dev.embedded`` must know of itself in a container."""
    return EmbeddedSpec(
        id=service.id,
        title=service.title,
        stands_in=source.kind is SourceKind.STAND_IN,
        bind=EVERYWHERE,
        domain=plan.domain,
        ports=tuple(
            Listener(listen=e.container_port, probe=e.probe, path=e.path, purpose=e.purpose)
            for e in service.endpoints
        ),
        asks=tuple(_ask(name, variable, plan) for name, variable in service.asks.items()),
        api=service.definition.api,
        aliases=service.aliases,
        data=Path(f"{HOME}/data" if service.is_helper else DATA, service.id),
        page=page_of(service, plan),
    )


def page_of(service: PlannedService, plan: Plan) -> str:
    """Return the page that is better than a stand-in's: our dashboard, where Grafana is not."""
    shown = service.id == "monitoring-dashboard" and DASHBOARD in plan.ids
    if not shown or service.source.kind is not SourceKind.STAND_IN:
        return ""
    return plan[DASHBOARD].endpoints[0].url


def _ask(name: str, variable: str, plan: Plan) -> Ask:
    endpoint = plan[name].endpoints[0]
    return Ask(service=name, variable=variable, probe=endpoint.probe, path=endpoint.path)
