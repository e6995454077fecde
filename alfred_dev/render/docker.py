"""Plan -> what the Docker runtime runs: the compose file, made definite for one engine.

The same file as ``compose/`` has, but for what only this machine knows: which image holds our
code, the network's addresses, and a label that changes with anything that a container is given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alfred_dev.envtext import url_twins
from alfred_dev.plan import Plan, PlannedService, SourceKind
from alfred_dev.render import compose, door, process, relay, trust
from alfred_dev.render.compose import FILES, Document
from alfred_dev.render.expressions import literal, resolved
from alfred_dev.render.inside import World
from alfred_dev.render.process import Layout
from alfred_dev.runtime.base import Desired, LaunchSpec
from alfred_dev.runtime.compose import SPECS, WHOLE
from alfred_dev.runtime.containers import SPEC_LABEL
from alfred_dev.workspace import Artifact

PROJECT_VARIABLE = "ALFRED_PROJECT_NAME"
HEALTH_INTERVAL = "120s"
READABLE = 0o644  # by the user of a container


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What one engine adds. ``project``: the checkout's name there; ``embedded``: our image's
    name; ``images``: name of an image -> its id, where the engine has it; ``subnets``, ``mtu``: of
    the network, empty and 0 for the engine's own choice; ``gateway``: the name under which a
    container of an engine in a virtual machine reaches this machine, empty where sockets do;
    ``authorities``: certificates (PEM) that every container trusts, empty for its own alone;
    ``user``: who there has this user's files, empty where nobody has."""

    project: str
    embedded: str
    layout: Layout
    images: Mapping[str, str] = field(default_factory=dict)
    subnets: Mapping[str, str] = field(default_factory=dict)
    mtu: int = 0
    gateway: str = ""
    authorities: str = ""
    user: str = ""


def variables(plan: Plan, project: str) -> dict[str, str]:
    """Return what Compose must be given, secrets too: every setting, as the plan has it."""
    settings = {key: value.text for key, value in plan.settings.values.items()}
    return {**settings, **url_twins(settings), PROJECT_VARIABLE: project}


def desired(plan: Plan, site: Site) -> Desired:
    """Return how each container is started, and every file of that; processes of ours too."""
    sources = {s.id: s.source for s in plan.services if not s.is_process}
    document, files = compose.of_world(World(plan, sources, relayed=True))
    document["services"] |= relay.containers(plan, gateway=site.gateway)
    _add_site(document, plan, site)
    trusted = trust.add(document, site.authorities)
    private = door.add(document, plan, site.user)
    specs = {
        name: _spec(plan[name], entry, site, variables(plan, site.project))
        for name, entry in document["services"].items()
    }
    for name, spec in specs.items():
        document["services"][name]["labels"][SPEC_LABEL] = spec.digest()
    mounted = [replace(file, mode=READABLE) for file in (*files, *trusted)]
    beside = _processes(plan, site)
    said = json.dumps({name: json.loads(spec.to_json()) for name, spec in specs.items()})
    whole = Artifact(WHOLE, json.dumps(document))
    artifacts: tuple[Artifact, ...] = (
        compose.written(document), Artifact(SPECS, said), whole,
        *mounted, *private, *beside.artifacts,
    )  # fmt: skip
    return Desired(
        specs={**specs, **beside.specs},
        artifacts=tuple(sorted(artifacts, key=lambda a: a.path)),
    )


PROCESSES = ("services/", "supervisord", "gateway/")


def _processes(plan: Plan, site: Site) -> Desired:
    """Return what runs on this machine beside the containers."""
    relays = [] if site.gateway else relay.processes(plan, site.layout)
    found = process.desired(plan, site.layout, *relays)
    # What real servers read lies in the containers' form already.
    ours = tuple(a for a in found.artifacts if a.path.startswith(PROCESSES))
    return Desired(specs=found.specs, artifacts=ours if found.specs else ())


def image(service: PlannedService, site: Site) -> str:
    """Return the name of the image that ``service`` runs from."""
    if service.source.kind is SourceKind.IMAGE:
        return service.source.path
    if service.source.kind is SourceKind.CHECKOUT:
        return built(site.project, service.id)
    return site.embedded


def built(project: str, service: str) -> str:
    """Return the name of an image that is built here: as Compose itself would call it."""
    return f"{project}-{service}:latest"


def _add_site(document: Document, plan: Plan, site: Site) -> None:
    for name, entry in document["services"].items():
        entry.pop("build", None)
        entry["image"] = literal(image(plan[name], site))
        if "healthcheck" in entry:
            # Each check starts a process through the engine, and nothing here waits for them.
            entry["healthcheck"] = {**entry["healthcheck"], "interval": HEALTH_INTERVAL}
        entry["pull_policy"] = "never"  # what is wanted is here by now, or has been refused
    for name, network in document["networks"].items():
        if subnet := site.subnets.get(name):
            network["ipam"] = {"config": [{"subnet": subnet}]}
        if site.mtu:
            network["driver_opts"]["com.docker.network.driver.mtu"] = str(site.mtu)


def _spec(
    service: PlannedService, entry: Document, site: Site, given: Mapping[str, str]
) -> LaunchSpec:
    apart = ("command", "environment", "image", "depends_on")
    around = {key: value for key, value in entry.items() if key not in apart}
    name = image(service, site)
    return LaunchSpec(
        service=service.id,
        source=service.source.kind,
        argv=tuple(resolved(word, given) for word in entry.get("command", ())),
        environment={k: resolved(v, given) for k, v in entry.get("environment", {}).items()},
        code=site.images.get(name, name),
        files=entry["labels"].get(FILES, ""),
        around=json.dumps(_resolved(around, given), sort_keys=True),
    )


def _resolved(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, given) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, given) for item in value]
    return resolved(value, given) if isinstance(value, str) else value
