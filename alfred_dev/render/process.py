"""Plan -> what the process runtime runs: a launch document a service, and supervisord's file.

Commands and paths in supervisord.conf are relative to ``.alfred`` and free of anything from the
machine, so no character of a path needs quoting there; the launcher reads the rest as JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.catalog.model import Binary, Engine
from alfred_dev.catalog.topology import VARIABLE as TOPOLOGY
from alfred_dev.embedded.engines import PROGRAM, STOP_SIGNALS
from alfred_dev.embedded.spec import Ask, EmbeddedSpec, Listener
from alfred_dev.plan import LOOPBACK, Plan, PlannedService, SourceKind
from alfred_dev.planner import fill
from alfred_dev.render import dashboards, gateway, grafana, pace, prometheus, pubsub
from alfred_dev.render.gateway.world import GATEWAY, Place
from alfred_dev.render.ours import page_of
from alfred_dev.runtime.base import Desired, LaunchSpec
from alfred_dev.workspace import Artifact

# A process that ends within START_SECONDS counts as a failed start; after START_RETRIES of those,
# each a second later than the one before, supervisord gives up. Readiness is not its business.
START_SECONDS = 10
START_RETRIES = 3


PLACE = Place(
    address=lambda service, endpoint: (LOOPBACK, endpoint.port),
    listen=lambda endpoint: endpoint.listen,
    watched=f"render/{gateway.FOLDER}",
    sockets="run/gateway",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Absolute folders, as text: rendering touches no path."""

    data: str
    render: str
    python: str
    relay: str = ""


def desired(plan: Plan, layout: Layout, *beside: LaunchSpec) -> Desired:
    """Return how each service of the plan is started, and every file of that.

    ``beside``: what is to be kept running besides.
    """
    read = _read(plan, layout)
    specs = {**launch_specs(plan, layout, read), **{spec.service: spec for spec in beside}}
    launchers = [Artifact(f"services/{name}.json", spec.to_json()) for name, spec in specs.items()]
    config = Artifact("supervisord.conf", supervisord(plan, specs))
    # Of ``pubsub`` a change restarts nothing: ``up`` gives it to a running emulator.
    files = (*launchers, config, *read, *pubsub.render(plan))
    return Desired(specs=specs, artifacts=tuple(sorted(files, key=lambda a: a.path)))


def launch_specs(
    plan: Plan, layout: Layout, read: Iterable[Artifact] | None = None
) -> dict[str, LaunchSpec]:
    """Return how each service of the plan is started. ``read``: what is in their files."""
    found = _read(plan, layout) if read is None else read
    files = {a.path: hashlib.sha256(a.text.encode()).hexdigest() for a in found if _once(a)}
    ours = (service for service in plan.services if service.is_process)
    return {service.id: _launch_spec(service, plan, layout, files) for service in ours}


def _once(file: Artifact) -> bool:
    """Tell whether a file is read at the start alone; the gateway's others are watched."""
    return file.path == gateway.BOOTSTRAP or not file.path.startswith(f"{gateway.FOLDER}/")


def _read(plan: Plan, layout: Layout) -> tuple[Artifact, ...]:
    """Return what real servers are told to read."""
    url = plan.endpoints_environment.get("ALFRED_PROMETHEUS_URL")
    often = pace.of(plan)
    shown = grafana.render(url, f"{layout.render}/{dashboards.FOLDER}", often) if url else ()
    return (*prometheus.render(plan, often), *shown, *_door(plan))


def _door(plan: Plan) -> tuple[Artifact, ...]:
    """Return what a gateway on this machine reads."""
    if plan.access is None or GATEWAY not in plan.ids or plan[GATEWAY].contained:
        return ()
    return gateway.render(plan, plan.access, PLACE)


def supervisord(plan: Plan, names: Iterable[str]) -> str:
    """Return supervisord.conf. Nothing starts by itself: ``up`` decides."""
    sections: list[tuple[str, Mapping[str, object]]] = [
        ("unix_http_server", {"file": "%(ENV_ALFRED_SUPERVISOR_SOCKET)s", "chmod": "0600"}),
        (
            "supervisord",
            {
                "nodaemon": "true",
                "logfile": "logs/supervisord.log",
                "logfile_maxbytes": "1MB",
                "logfile_backups": 1,
                "pidfile": "run/supervisord.pid",
                "childlogdir": "logs",
                "minfds": 256,
                "minprocs": 50,
            },
        ),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        *(
            (f"program:{n}", _program(n, ends=n in plan.ids and plan[n].definition.ends))
            for n in names
        ),
    ]
    return "\n".join(
        "\n".join([f"[{title}]", *(f"{key}={value}" for key, value in body.items()), ""])
        for title, body in sections
    )


def _program(name: str, *, ends: bool) -> dict[str, object]:
    # Of what ends by itself a quick end is no failed start.
    return {
        "command": f"python -m alfred_dev.runtime.launch {name}",
        "autostart": "false",
        "autorestart": "unexpected" if ends else "true",
        "startsecs": 0 if ends else START_SECONDS,
        "startretries": START_RETRIES,
        "stopsignal": STOP_SIGNALS.get(name, "TERM"),
        "stopwaitsecs": 5,
        "stopasgroup": "false" if name in STOP_SIGNALS else "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"logs/{name}.log",
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": 2,
    }


def _launch_spec(
    service: PlannedService, plan: Plan, layout: Layout, files: Mapping[str, str]
) -> LaunchSpec:
    environment = dict(service.environment)
    source = service.source
    runs_binary = service.definition.engine is Engine.FIRST
    if source.kind is SourceKind.BINARY and source.binary and runs_binary:
        argv: tuple[str, ...] = (layout.python, "-m", "alfred_dev.embedded", service.id)
        spec = embedded_spec(service, plan, layout).to_json()
        extra = {"ALFRED_EMBEDDED": spec, PROGRAM: source.path}
        code = plan.code
    elif source.kind is SourceKind.BINARY and source.binary:
        argv, extra = _binary(service, source.binary, plan, layout)
        if pubsub.speaks(service):
            argv = (layout.python, "-m", pubsub.BESIDE, str(service.endpoints[0].listen), *argv)
        code = ""
    else:
        argv = (layout.python, "-m", "alfred_dev.embedded", service.id)
        extra = {"ALFRED_EMBEDDED": embedded_spec(service, plan, layout).to_json()}
        code = plan.code
    if pubsub.speaks(service):
        extra[TOPOLOGY] = f"{layout.render}/{pubsub.FILE}"
    reads = [digest for path, digest in files.items() if _is_told(path, argv, extra, layout)]
    return LaunchSpec(
        service=service.id,
        source=source.kind,
        argv=argv,
        environment=environment | extra,
        code=code,
        files=" ".join(reads),
    )


def _is_told(path: str, argv: Iterable[str], extra: Mapping[str, str], layout: Layout) -> bool:
    """Tell whether a program reads ``path``: what it is told of lies in the same folder."""
    folder = f"{layout.render}/{path.partition('/')[0]}/"
    return any(folder in text for text in (*argv, *extra.values()))


def _binary(
    service: PlannedService, binary: Binary, plan: Plan, layout: Layout
) -> tuple[tuple[str, ...], dict[str, str]]:
    values = {
        "data": f"{layout.data}/{service.id}",
        "render": layout.render,
        "home": service.source.home,
    }
    for endpoint in service.endpoints:
        values.setdefault("port", str(endpoint.listen))
        values["port1"] = str(endpoint.listen)
    setting = plan.settings.__getitem__
    argv = (service.source.path, *(fill(a, values, setting) for a in binary.arguments))
    extra = {k: fill(v, values, setting) for k, v in binary.environment.items()}
    if service.source.search:
        extra["PATH"] = service.source.search
    return argv, extra


def embedded_spec(service: PlannedService, plan: Plan, layout: Layout) -> EmbeddedSpec:
    """Return what ``alfred_dev.embedded`` must know of itself."""
    return EmbeddedSpec(
        id=service.id,
        title=service.title,
        stands_in=service.source.kind is SourceKind.STAND_IN,
        bind=LOOPBACK,
        domain=plan.domain,
        ports=tuple(
            Listener(listen=e.listen, probe=e.probe, path=e.path, purpose=e.purpose)
            for e in service.endpoints
        ),
        asks=tuple(_ask(name, variable, plan) for name, variable in service.asks.items()),
        api=service.definition.api,
        aliases=service.aliases,
        data=Path(layout.data, service.id),
        page=page_of(service, plan),
    )


def _ask(name: str, variable: str, plan: Plan) -> Ask:
    endpoint = plan[name].endpoints[0]
    return Ask(service=name, variable=variable, probe=endpoint.probe, path=endpoint.path)
