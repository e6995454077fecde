"""Composition of the Docker runtime: which engine, what it has, what must be had first."""

from __future__ import annotations

import functools
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
from alfred_dev.render import docker as render
from alfred_dev.render.compose import NETWORK
from alfred_dev.render.process import Layout
from alfred_dev.runtime import memory, subnets
from alfred_dev.runtime.base import Desired, Runtime
from alfred_dev.runtime.compose import ComposeRuntime
from alfred_dev.runtime.containers import PROJECT_LABEL
from alfred_dev.runtime.memory import Memory
from alfred_dev.runtime.mixed import MixedRuntime
from alfred_dev.settings import Settings
from alfred_dev.workspace import Workspace

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
        for warning in known.warnings:
            self.tell(f"warning: {warning}")
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
        found = self.docker.endpoint
        known = {s.id: str(s.source.kind) for s in plan.platform if not s.by_developer}
        self._remember(
            runtime="docker",
            url=found.url,
            context=found.context,
            tls=found.tls,
            sources={**self.remembered.sources, **known},
            subnet=self._subnet(plan),
        )

    def _subnet(self, plan: Plan) -> str:
        """Return the network's addresses: its own, the remembered, or others that are free."""
        name = network_name(plan)
        taken: list[IPv4Network] = []
        for network in self.engine.get("/networks"):
            configs = (network.get("IPAM") or {}).get("Config") or ()
            own = [str(c["Subnet"]) for c in configs if ":" not in str(c.get("Subnet", ":"))]
            if network["Name"] == name:
                self._check_owner(network)
                return own[0] if own else ""
            taken += map(IPv4Network, own)
        taken += routes.networks()
        remembered = self.remembered.subnet
        if remembered and not any(IPv4Network(remembered).overlaps(n) for n in taken):
            return remembered
        start = int(self.place.project.rpartition("-")[2], 16)
        return str(subnets.choose(taken, start=start))

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
        compose = ComposeRuntime(
            self.place, self.docker, self.engine, render.variables(plan, self.place.project)
        )
        local = {s.id for s in plan.services if s.is_process}
        if not local:
            return compose
        return MixedRuntime(containers=compose, processes=processes, local=local)

    def render(self, layout: Layout) -> Callable[[Plan], Desired]:
        """Return what makes files of a plan."""
        return functools.partial(self._desired, layout=layout)

    def _desired(self, plan: Plan, *, layout: Layout) -> Desired:
        size = routes.mtu()
        site = render.Site(
            project=self.place.project,
            embedded=self.builder().name(),
            layout=layout,
            images=self.images(),
            subnet=self.remembered.subnet,
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


def of(place: Workspace, tell: Tell) -> list[ComposeRuntime]:
    """Return the Docker runtime of a checkout, as far as it may run something there.

    Where containers were started an engine that is down is an error; where none ever were, it is
    none.
    """
    found = Containers.open(place, tell, starting=False)
    if not found.remembered.url and not found.engine.answers():
        return []
    return [ComposeRuntime(place, found.docker, found.engine)]


def network_name(plan: Plan) -> str:
    """Return the name of a plan's network in the engine."""
    return f"{NETWORK}-{plan.slot}" if plan.slot else NETWORK


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
