"""Plan -> compose.yaml and what it mounts. The same project gives the same bytes everywhere.

In a container a service listens on the catalog's ``container`` port, whichever image runs: our
own image is told which. So what others are told does not depend on where a service comes from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from alfred_dev import container_sources
from alfred_dev.catalog.model import Catalog, Container, Tier
from alfred_dev.catalog.topology import VARIABLE as TOPOLOGY
from alfred_dev.embedded.spec import VARIABLE
from alfred_dev.plan import LOOPBACK, Endpoint, Facts, Plan, PlannedService, Source, SourceKind
from alfred_dev.planner import make
from alfred_dev.render import alerts, dashboards, grafana, inside, ours, pace, prometheus, pubsub
from alfred_dev.render.expressions import literal
from alfred_dev.render.inside import HOST, World
from alfred_dev.render.text import FASTEST, yaml_text
from alfred_dev.settings import resolve
from alfred_dev.workspace import Artifact

FILE = "compose.yaml"
MARK = "Written by alfred-dev render; do not edit."
HEADER = f"# {MARK}\n"
NETWORK = "alfred-network"
PUBLIC, DATA = f"{NETWORK}-public", f"{NETWORK}-data"
# Per kind of isolation, the networks of each level: outermost, application, data, and those that
# look at all. In tiers a web UI cannot reach a database, as behind production's policies.
TIERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "flat": ((NETWORK,),),
    "tiers": ((PUBLIC,), (PUBLIC, NETWORK, DATA), (DATA,), (PUBLIC, NETWORK, DATA)),
}
_LEVEL: Mapping[Tier, int] = {
    Tier.EXTERNAL: 0, Tier.PUBLIC: 0, Tier.APPLICATION: 1, Tier.DATA: 2, Tier.MONITORING: 3,
}  # fmt: skip
PROJECT = "${ALFRED_PROJECT_NAME:-alfred}"
LABEL = "dev.alfred"
FILES = f"{LABEL}.files"  # digests of what a container mounts
# Rare, because each check starts a process in a container; readiness is what our probes see.
HEALTH = {"interval": "30s", "timeout": "5s", "retries": 3, "start_period": "30s"}
DASHBOARDS = "/etc/grafana/dashboards"  # in the container
LOGGING = {"driver": "json-file", "options": {"max-size": "5m", "max-file": "3"}}

Document = dict[str, Any]


def default(catalog: Catalog) -> tuple[Artifact, ...]:
    """Return the render of ``compose/``: slot 0, default settings, nothing of any machine."""
    return render(make(catalog, resolve(()), Facts()))


def render(plan: Plan, *, platform: str | None = None) -> tuple[Artifact, ...]:
    """Return compose.yaml and every file that it mounts, in path order.

    ``platform``: the absolute path of the platform's checkout. The plan must hold everything that
    its services depend on. Raises ConfigError, MachineError for what cannot run in a container.
    """
    chosen = {s.id: container_sources.choose(s.definition, platform) for s in plan.platform}
    document, files = of_world(World(plan, chosen))
    return tuple(sorted((written(document), *files), key=lambda artifact: artifact.path))


def written(document: Document) -> Artifact:
    """Return the compose file of ``document``."""
    return _with_header(Artifact(FILE, _dumped(document)))


def of_world(world: World) -> tuple[Document, list[Artifact]]:
    """Return the compose file as data, and every file that it mounts."""
    plan, chosen = world.plan, world.sources
    ours_to_run = (s for s in plan.services if s.id in chosen and not s.by_developer)
    containers = {s.id: _container(s, chosen[s.id]) for s in ours_to_run}
    paths = sorted({path for container in containers.values() for path in container.mounts})
    mounted = {path: [_with_header(a) for a in MOUNTABLE[path](world)] for path in paths}
    digests = {path: _digest(artifacts) for path, artifacts in mounted.items()}
    files = [artifact for artifacts in mounted.values() for artifact in artifacts]
    return _document(containers, replace(world, files=digests)), files


def _digest(artifacts: Iterable[Artifact]) -> str:
    return hashlib.sha256("".join(a.text for a in artifacts).encode()).hexdigest()[:16]


def _container(service: PlannedService, source: Source) -> Container:
    """Return what is known of the image that runs."""
    if source.kind in container_sources.OURS:
        return ours.container(service, source)
    known = service.definition.container
    # What the usual image has inside says nothing of one that is built from a checkout.
    return replace(known, health=()) if source.kind is SourceKind.CHECKOUT else known


def _pace(world: World) -> pace.Pace:
    """Return what the settings say; the committed file has nothing of them."""
    return pace.of(world.plan) if world.relayed else pace.Pace()


def _scrape(world: World) -> tuple[Artifact, ...]:
    def there(service: PlannedService, endpoint: Endpoint) -> str:
        return inside.authority(service, endpoint, world)

    return prometheus.render(world.plan, _pace(world), there, world.sources)[:1]


def _rules(world: World) -> tuple[Artifact, ...]:
    return (alerts.render(world.plan, _pace(world)),)


def _provisioning(world: World) -> tuple[Artifact, ...]:
    url = inside.told("ALFRED_PROMETHEUS_URL", world)["ALFRED_PROMETHEUS_URL"]
    return grafana.provisioning(url, DASHBOARDS, _pace(world))


def _dashboards(world: World) -> tuple[Artifact, ...]:
    return dashboards.render(_pace(world), MARK)


# A file, or a folder with all that is in it.
MOUNTABLE: Mapping[str, Callable[[World], tuple[Artifact, ...]]] = {
    "prometheus/prometheus.yml": _scrape,
    "prometheus/rules.yml": _rules,
    grafana.PROVISIONING: _provisioning,
    dashboards.FOLDER: _dashboards,
}


def _with_header(artifact: Artifact) -> Artifact:
    comments = artifact.path.endswith((".yaml", ".yml"))  # JSON has none, and says it itself
    return replace(artifact, text=HEADER + artifact.text) if comments else artifact


def _dumped(document: Document, base: Any = FASTEST) -> str:

    class Dumper(base):  # type: ignore[misc]  # its base is known at run time only
        def ignore_aliases(self, data: object) -> bool:
            """Write what stands in several places in each of them."""
            return True

    Dumper.add_representer(str, _text)
    return yaml_text(document, Dumper)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _document(containers: Mapping[str, Container], world: World) -> Document:
    plan = world.plan
    volumes = {
        volume_name(name, world.sources[name].kind): {"labels": labels(plan, name)}
        for name, container in containers.items()
        if container.volume is not None
    }
    return {
        "name": PROJECT,
        "services": {name: _service(plan[name], c, world) for name, c in containers.items()},
        "networks": {name: _network(name, plan) for name in networks(plan)},
        **({"volumes": volumes} if volumes else {}),
    }


def networks(plan: Plan) -> tuple[str, ...]:
    """Return the networks there are: one, or one a tier that other tiers must not reach."""
    return tuple(dict.fromkeys(n for tier in TIERS[plan.isolation] for n in tier))


def networks_of(service: PlannedService, plan: Plan) -> Document:
    """Return the networks that ``service`` is in, with the other names it has there."""
    aliases = {"aliases": list(service.aliases)} if service.aliases else {}
    tiers = TIERS[plan.isolation]
    names = tiers[0] if len(tiers) == 1 else tiers[_LEVEL[service.definition.tier]]
    return {name: dict(aliases) for name in names}


def network_name(name: str, plan: Plan) -> str:
    """Return what the engine calls a network."""
    return f"{name}-{plan.slot}" if plan.slot else name


def _network(name: str, plan: Plan) -> Document:
    return {
        "name": network_name(name, plan),
        "driver": "bridge",
        # A port that somebody publishes without an address lands on loopback as well.
        "driver_opts": {"com.docker.network.bridge.host_binding_ipv4": LOOPBACK},
        "labels": labels(plan),
    }


def labels(plan: Plan, service: str | None = None) -> dict[str, str]:
    """Return what tells our objects in the engine from everybody else's."""
    named = {f"{LABEL}.service": service} if service else {}
    return {f"{LABEL}.project": PROJECT, **named, f"{LABEL}.slot": str(plan.slot)}


def _service(service: PlannedService, container: Container, world: World) -> Document:
    entry = {
        **_what_runs(service, container, world),
        **_how_it_is_reached(service, container, world),
        **_how_it_is_kept(service, container, world),
    }
    return {key: value for key, value in entry.items() if value not in (None, [], {})}


def _what_runs(service: PlannedService, container: Container, world: World) -> Document:
    source = world.sources[service.id]
    environment = inside.environment(service, container, world)
    if source.kind in container_sources.OURS:
        told = ours.spec(service, source, world.plan).to_json()
        environment = dict(sorted({**environment, VARIABLE: literal(told)}.items()))
    command = inside.words(container.command, service, world)
    if pubsub.speaks(service) and source.kind not in container_sources.OURS:
        port = service.endpoints[0].container_port
        command = pubsub.command(command, port, service, world.plan)
    elif pubsub.speaks(service) and (topology := pubsub.told(service, world.plan)):
        environment[TOPOLOGY] = topology
    return {
        **_image(service, source),
        "user": container.user,
        "command": command,
        "environment": environment,
        "volumes": _volumes(service, container, world),
    }


def _image(service: PlannedService, source: Source) -> Document:
    variable = f"ALFRED_IMAGE_{service.id.upper().replace('-', '_')}"
    if source.kind is SourceKind.CHECKOUT:
        return {"build": {"context": literal(source.path)}}
    if source.kind is SourceKind.IMAGE:
        return {"image": f"${{{variable}:-{source.path}}}"}
    # Ours is made here. Whoever owns its name in a registry shall not be asked for it.
    return {"image": f"${{{variable}:-{ours.IMAGE}}}", "pull_policy": "never"}


def volume_name(service: str, kind: SourceKind) -> str:
    """Return what the compose file calls a service's volume.

    Another server writes another format: a change of source must not meet the old data.
    """
    return f"{service}-embedded" if kind in container_sources.OURS else service


def _volumes(service: PlannedService, container: Container, world: World) -> list[Document]:
    found: list[Document] = []
    if container.volume is not None:
        name = volume_name(service.id, world.sources[service.id].kind)
        found.append({"type": "volume", "source": name, "target": container.volume})
    for path, target in container.mounts.items():
        place = {"type": "bind", "source": f"./{path}", "target": target, "read_only": True}
        # A missing file is an error, not a new folder of that name.
        found.append({**place, "bind": {"create_host_path": False}})
    return found


def _how_it_is_reached(service: PlannedService, container: Container, world: World) -> Document:
    plan = world.plan
    return {
        "ports": [f"{LOOPBACK}:{e.port}:{e.container_port}" for e in service.endpoints],
        "networks": networks_of(service, plan),
        "extra_hosts": _extra_hosts(service, container, world),
        "depends_on": {
            name: {"condition": "service_started"}
            for name in service.depends_on
            if not plan[name].by_developer
        },
    }


def _extra_hosts(service: PlannedService, container: Container, world: World) -> list[str]:
    """Return how to find this machine, for those that need something that runs on it."""
    if world.relayed:
        return []
    told = (*service.definition.needs, *service.definition.uses)
    met = {world.providers[name][0].id for name in told}
    if "prometheus/prometheus.yml" in container.mounts:
        met |= set(world.plan.ids)
    return [f"{HOST}:host-gateway"] if any(world.plan[n].by_developer for n in met) else []


def _how_it_is_kept(service: PlannedService, container: Container, world: World) -> Document:
    test = inside.words(container.health, service, world)
    return {
        "healthcheck": {"test": ["CMD", *test], **HEALTH} if test else None,
        "restart": "on-failure:5",
        "stop_signal": container.stop_signal,
        "read_only": container.read_only or None,
        "tmpfs": ["/tmp"] if container.read_only else None,  # noqa: S108 - in the container
        "security_opt": ["no-new-privileges:true"],
        "cap_drop": ["ALL"],
        "cap_add": list(container.cap_add),
        "mem_limit": container.memory,
        "shm_size": container.shm,
        "logging": LOGGING,
        "labels": {**labels(world.plan, service.id), **_digests(container, world)},
    }


def _digests(container: Container, world: World) -> dict[str, str]:
    """Return a label that changes with the mounted files, so that Compose starts it anew."""
    digests = " ".join(world.files[path] for path in container.mounts)
    return {FILES: digests} if digests else {}
