"""Composition of the Docker runtime: which engine, what it has, what must be had first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from alfred_dev.container_sources import OURS
from alfred_dev.embedded import engines
from alfred_dev.engine import endpoint as endpoints
from alfred_dev.engine import kinds
from alfred_dev.engine.api import Engine
from alfred_dev.engine.command import Docker
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.host import routes
from alfred_dev.image.build import Builder
from alfred_dev.image.pull import pull
from alfred_dev.plan import EngineFacts, Plan, SourceKind
from alfred_dev.render import compose, inside, relay
from alfred_dev.render import docker as render
from alfred_dev.render.process import Layout
from alfred_dev.runtime import memory, subnets
from alfred_dev.runtime.base import Desired, Runtime
from alfred_dev.runtime.compose import ComposeRuntime
from alfred_dev.runtime.containers import PROJECT_LABEL, service_of
from alfred_dev.runtime.memory import Memory
from alfred_dev.runtime.mixed import MixedRuntime
from alfred_dev.settings import Settings
from alfred_dev.workspace import Workspace, make_private_folder

LOCK = Path(__file__).parents[2] / "requirements.lock"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtaining:
    """How images are had. ``offline``: nobody outside is asked; ``build``: ours are made anew."""

    offline: bool = False
    build: bool = False


OBTAIN = Obtaining()


@dataclass(slots=True, kw_only=True)
class Containers:
    """One checkout's use of one engine. ``remembered`` is what is in its memory now."""

    place: Workspace
    docker: Docker
    engine: Engine
    remembered: Memory
    tell: Tell

    @classmethod
    def open(cls, place: Workspace, tell: Tell, *, starting: bool) -> Containers:
        """Return the engine that is meant: for a command that starts nothing, the one last used."""
        remembered = memory.load(place)
        found = endpoints.find(os.environ, Path.home())
        if remembered.url and not starting:
            found = endpoints.Endpoint(
                url=remembered.url, context=remembered.context, tls=remembered.tls
            )
        return cls(
            place=place,
            docker=Docker(endpoint=found),
            engine=Engine(found),
            remembered=remembered,
            tell=tell,
        )

    # --- before there is a plan ------------------------------------------------------------------

    def check(self) -> None:
        """Raise MachineError unless this engine can run the services; say what to expect of it."""
        info = self.engine.get("/info")
        known = kinds.known(info, self.docker.endpoint)
        if known.in_virtual_machine != self.remembered.virtual:
            self._remember(virtual=known.in_virtual_machine)
        for warning in known.warnings:
            self.tell(f"warning: {warning}")
        if self.remembered.url != self.docker.endpoint.url:  # else it has worked here before
            self.docker.check_compose()
        if not self.remembered.runtime:
            self.tell(f"runtime docker: {known} answers (local processes: --runtime process)")

    def facts(self, settings: Settings, *, starting: bool) -> EngineFacts:
        """Return what is known of the engine. ``starting``: only data binds a service to a source;
        else it is shown as it last ran."""
        here = self.images()
        unavailable = self.remembered.unavailable(time.time())
        return EngineFacts(
            registry=settings["ALFRED_IMAGE_REGISTRY"],
            unavailable={k: v for k, v in unavailable.items() if k not in here},
            kept=self._made_data() if starting else self.remembered.sources,
            engines=engines.available(),
        )

    def _made_data(self) -> dict[str, str]:
        """Return the sources of the services whose volumes are there."""
        filters = {"label": [f"{PROJECT_LABEL}={self.place.project}"]}
        found = self.engine.get("/volumes", filters=filters)["Volumes"] or ()
        names = {str(v["Labels"].get("dev.alfred.service")) for v in found}
        return {k: v for k, v in self.remembered.sources.items() if k in names}

    def images(self) -> dict[str, str]:
        """Return the name of every image that the engine has, with its id."""
        found = self.engine.get("/images/json")
        return {tag: str(i["Id"]) for i in found for tag in i.get("RepoTags") or ()}

    # --- with a plan -----------------------------------------------------------------------------

    def obtain(self, wanted: Plan, how: Obtaining) -> bool:
        """Have every image that ``wanted`` runs from; return False when another plan is needed,
        because some cannot be had. Raises MachineError."""
        here = self.images()
        sources = [s.source for s in wanted.platform if not s.by_developer]
        asked = {s.path for s in sources if s.kind is SourceKind.IMAGE and s.path not in here}
        if how.offline:
            failed = dict.fromkeys(asked, "not here, and --offline asks nobody")
        else:
            failed = pull(self.docker, asked, self.tell)
        if failed:
            self._say_failed(failed)
            now = time.time()
            notes = {image: (why, now) for image, why in failed.items()}
            self._remember(failed={**self.remembered.failed, **notes})
            return False
        if any(source.kind in OURS for source in sources):
            self.builder().ensure(anew=how.build, offline=how.offline)
        return True

    def _say_failed(self, failed: Mapping[str, str]) -> None:
        reasons: dict[str, list[str]] = {}
        for image, why in failed.items():
            reasons.setdefault(why, []).append(image)
        for why, images in reasons.items():
            self.tell(f"cannot be had ({why}): {', '.join(images)}")

    def builder(self) -> Builder:
        """Return who makes our own image."""
        return Builder(docker=self.docker, engine=self.engine, lock=LOCK, tell=self.tell)

    def settle(self, plan: Plan) -> None:
        """Choose the network's addresses, and remember what is used from now on."""
        make_private_folder(self.place.home)
        self.place.relay.mkdir(exist_ok=True)
        self.place.relay.chmod(0o711)  # for a container's user; the folder above is closed
        found = self.docker.endpoint
        known = {s.id: str(s.source.kind) for s in plan.platform if not s.by_developer}
        self._remember(
            runtime="docker",
            url=found.url,
            context=found.context,
            tls=found.tls,
            sources={**self.remembered.sources, **known},
            subnets=self._subnets(plan),
        )

    def _subnets(self, plan: Plan) -> dict[str, str]:
        """Return each network's addresses: its own, the remembered, or others that are free."""
        names = {compose.network_name(name, plan): name for name in compose.networks(plan)}
        taken = routes.networks()
        found: dict[str, str] = {}
        for network in self.engine.get("/networks"):
            configs = (network.get("IPAM") or {}).get("Config") or ()
            own = [str(c["Subnet"]) for c in configs if ":" not in str(c.get("Subnet", ":"))]
            taken += map(IPv4Network, own)
            if network["Name"] in names:
                self._check_owner(network)
                found[names[network["Name"]]] = own[0] if own else ""
        start = int(self.place.project.rpartition("-")[2], 16)
        for name in names.values():
            if name not in found:
                remembered = self.remembered.subnets.get(name)
                found[name] = str(subnets.choose(taken, start=start, preferred=remembered))
                taken.append(IPv4Network(found[name]))
        return found

    def _check_owner(self, network: Mapping[str, Any]) -> None:
        """Refuse a network that somebody else made. Raises MachineError."""
        owner = (network.get("Labels") or {}).get(PROJECT_LABEL)
        if owner == self.place.project:
            return
        whose = f"compose project {owner}" if owner else "somebody by hand"
        raise MachineError(
            "network-foreign",
            f"the Docker network {network['Name']} is not this checkout's",
            cause=f"{whose} made it; nothing was started",
            fix=[
                f"docker network rm {network['Name']}   (when nobody needs it)",
                "or use a network of its own: alfred-dev up --slot auto",
            ],
        )

    def _remember(self, **changes: Any) -> None:
        self.remembered = replace(self.remembered, **changes)
        memory.save(self.place, self.remembered)

    def runtime(self, plan: Plan, processes: Runtime) -> Runtime:
        """Return who runs ``plan``."""
        contained = ComposeRuntime(
            self.place, self.docker, self.engine, render.variables(plan, self.place.project)
        )
        local = {s.id for s in plan.services if s.is_process}
        if not self.remembered.virtual and any(s.by_developer for s in plan.platform):
            local.add(relay.NAME)
        if not local:
            return contained
        return MixedRuntime(containers=contained, processes=processes, local=local)

    def render(self, layout: Layout) -> Callable[[Plan], Desired]:
        """Return what makes files of a plan; one plan is rendered once."""
        made: dict[int, tuple[Plan, Desired]] = {}

        def render_once(plan: Plan) -> Desired:
            if id(plan) not in made:
                made[id(plan)] = (plan, self._desired(plan, layout))
            return made[id(plan)][1]

        return render_once

    def _desired(self, plan: Plan, layout: Layout) -> Desired:
        size = routes.mtu()
        site = render.Site(
            project=self.place.project,
            embedded=self.builder().name(),
            layout=layout,
            images=self.images(),
            subnets=self.remembered.subnets,
            gateway=inside.HOST if self.remembered.virtual else "",
            mtu=size if size < routes.USUAL_MTU else 0,
        )
        return render.desired(plan, site)


def opened(place: Workspace, runtime: str, tell: Tell, *, starting: bool) -> Containers | None:
    """Return the engine to use, None for local processes. Raises MachineError."""
    if runtime != "docker":
        return None
    found = Containers.open(place, tell, starting=starting)
    if starting:
        found.check()
    return found


def container_of(place: Workspace, service: str) -> tuple[Docker, str]:
    """Return the running container of a service. Raises UsageError when there is none."""
    for runtime in of(place, print):
        for listed in runtime.listed():
            if service_of(listed) == service and listed["State"] == "running":
                return runtime.docker, str(listed["Id"])
    raise UsageError(
        "not-running",
        f"nothing can be run in {service}",
        cause="its container does not run",
        fix=[f"alfred-dev up {service}"],
    )


def of(place: Workspace, tell: Tell) -> list[ComposeRuntime]:
    """Return the Docker runtime of a checkout, as far as it may run something there.

    Where containers were started an engine that is down is an error; where none ever were, it is
    none.
    """
    found = Containers.open(place, tell, starting=False)
    if not found.remembered.url and not found.engine.answers():
        return []
    return [ComposeRuntime(place, found.docker, found.engine)]


def choose(place: Workspace, wanted: str, tell: Tell, *, starting: bool) -> str:
    """Return the runtime to use. Raises UsageError for a word that is none.

    A checkout keeps the one that it used; the first time it is Docker where an engine answers.
    """
    if wanted not in ("auto", "docker", "process"):
        cause = "known are auto, docker and process"
        raise UsageError("usage", f"there is no runtime {wanted}", cause=cause)
    if wanted != "auto":
        return wanted
    remembered = memory.load(place).runtime
    return remembered or ("docker" if _can_use_docker(tell, starting=starting) else "process")


def _can_use_docker(tell: Tell, *, starting: bool) -> bool:
    try:
        found = endpoints.find(os.environ, Path.home())
        engine = Engine(found)
        if not engine.answers():
            return False
        docker = Docker(endpoint=found)
        kinds.known(engine.get("/info"), found)
        docker.check_compose()
    except (MachineError, UsageError) as error:
        if starting:
            tell(f"runtime process: a Docker engine answers, but {error.what} ({error.cause})")
        return False
    return True
