"""Composition of the Docker runtime: which engine, what it has, what must be had first."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alfred_dev.catalog.model import Catalog
from alfred_dev.cli import checkouts, networks
from alfred_dev.cli.choice import Obtaining, Tell
from alfred_dev.cli.tidying import tidy
from alfred_dev.container_sources import OURS, mirrored
from alfred_dev.embedded import engines
from alfred_dev.engine import endpoint as endpoints
from alfred_dev.engine import kinds
from alfred_dev.engine.api import Engine
from alfred_dev.engine.command import Docker
from alfred_dev.engine.kinds import ROOTLESS_USER
from alfred_dev.envtext import parse_env_file
from alfred_dev.host import routes
from alfred_dev.image import contexts, registry
from alfred_dev.image.build import Builder
from alfred_dev.image.pull import pull
from alfred_dev.plan import EngineFacts, Plan, Source, SourceKind
from alfred_dev.render import compose, inside, relay, trust
from alfred_dev.render import docker as render
from alfred_dev.render.process import Layout
from alfred_dev.runtime import guards, memory
from alfred_dev.runtime.base import Desired, Runtime
from alfred_dev.runtime.compose import ComposeRuntime
from alfred_dev.runtime.containers import PROJECT_LABEL, published, service_of
from alfred_dev.runtime.memory import Memory
from alfred_dev.runtime.mixed import MixedRuntime
from alfred_dev.settings import Settings
from alfred_dev.workspace import Workspace, make_private_folder, read_bytes

IMAGE_VARIABLE = "ALFRED_IMAGE_"
LOCK = Path(__file__).parents[2] / "requirements.lock"


@dataclass(slots=True, kw_only=True)
class Containers:
    """One checkout's use of one engine. ``remembered``: what is in its memory now; ``refused``:
    images that this command could not have, and why."""

    place: Workspace
    docker: Docker
    engine: Engine
    remembered: Memory
    tell: Tell
    registry: str = ""
    platform: str | None = None
    refused: dict[str, str] = field(default_factory=dict)

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

    @property
    def opens_every_port(self) -> bool:
        """Whether this engine publishes ports that its user may not open."""
        return self.remembered.user not in ("", ROOTLESS_USER)

    # --- before there is a plan ------------------------------------------------------------------

    def check(self) -> None:
        """Raise MachineError unless this engine can run the services; say what to expect of it."""
        info = self.engine.get("/info")
        known = kinds.known(info, self.docker.endpoint)
        shared = {
            "virtual": known.in_virtual_machine, "user": known.user(os.getuid(), os.getgid()),
        }  # fmt: skip
        if shared != {"virtual": self.remembered.virtual, "user": self.remembered.user}:
            self._remember(**shared)
        for warning in known.warnings:
            self.tell(f"warning: {warning}")
        if self.remembered.url != self.docker.endpoint.url:  # else it has worked here before
            self.docker.check_compose()
        if not self.remembered.runtime:
            self.tell(f"runtime docker: {known} answers (local processes: --runtime process)")

    def facts(self, settings: Settings, found: Catalog, *, starting: bool) -> EngineFacts:
        """Return what is known of the engine. ``starting``: only data binds a service to a source;
        else it is shown as it last ran."""
        here = self.images()
        self.registry = settings["ALFRED_IMAGE_REGISTRY"]
        unavailable = {**self.remembered.unavailable(time.time()), **self.refused}
        return EngineFacts(
            registry=self.registry,
            named=self._named(),
            unbuilt=self._unbuilt(found),
            unavailable={k: v for k, v in unavailable.items() if k not in here},
            kept=self._made_data() if starting else self.remembered.sources,
            engines=engines.available(),
            shares=bool(self.remembered.user),
        )

    def _unbuilt(self, found: Catalog) -> dict[str, str]:
        """Return the services that the platform's checkout does not hold, and why."""
        if self.platform is None:
            return {}
        contexts_ = {
            s.id: Path(self.platform, s.context) for s in found.services.values() if s.context
        }
        reasons = {name: contexts.why_not(folder) for name, folder in contexts_.items()}
        return {name: why for name, why in reasons.items() if why}

    def _named(self) -> dict[str, str]:
        """Return the images that ALFRED_IMAGE_<ID> names, in the shell or in .env, by service."""
        text = read_bytes(self.place.env_file) or b""
        given = {k: v for k, (v, _) in parse_env_file(text, file=".env").items()}
        named = {**given, **os.environ}
        return {
            key.removeprefix(IMAGE_VARIABLE).lower().replace("_", "-"): image
            for key, image in named.items()
            if key.startswith(IMAGE_VARIABLE) and key != "ALFRED_IMAGE_REGISTRY" and image
        }

    def _made_data(self) -> dict[str, str]:
        """Return the sources of the services whose volumes are there."""
        filters = {"label": [f"{PROJECT_LABEL}={self.place.project}"]}
        found = self.engine.get("/volumes", filters=filters)["Volumes"] or ()
        names = {str(v["Name"]) for v in found}
        kinds = {k: SourceKind(v) for k, v in self.remembered.sources.items()}
        volumes = {
            name: f"{self.place.project}_{compose.volume_name(name, kind)}"
            for name, kind in kinds.items()
        }
        return {k: str(kind) for k, kind in kinds.items() if volumes[k] in names}

    def ports(self) -> dict[str, frozenset[int]]:
        """Return the ports of this machine that each service has now."""
        found = ComposeRuntime(self.place, self.docker, self.engine).listed()
        return {service_of(c): published(c) for c in found}

    def images(self) -> dict[str, str]:
        """Return the name of every image that the engine has, with its id."""
        found = self.engine.get("/images/json")
        names = ("RepoTags", "RepoDigests")
        return {tag: str(i["Id"]) for i in found for key in names for tag in i.get(key) or ()}

    # --- with a plan -----------------------------------------------------------------------------

    def obtain(self, wanted: Plan, how: Obtaining) -> bool:
        """Have every image that ``wanted`` runs from; return False when another plan is needed,
        because some cannot be had. Raises MachineError."""
        here = self.images()
        sources = [s.source for s in wanted.contained]
        asked = {s.path for s in sources if s.kind is SourceKind.IMAGE and s.path not in here}
        if how.offline:
            failed = dict.fromkeys(asked, "not here, and --offline asks nobody")
        else:
            failed = pull(self.docker, asked, self.tell)
        if failed:
            self._say_failed(failed)
            self.refused |= failed
            if not how.offline:  # a registry said no, or nothing: the next command need not ask
                self.remembered = self.remembered.with_failed(failed, time.time())
                memory.save(self.place, self.remembered)
                self.tell("they are asked for again in 10 minutes or later; docker pull asks now")
            return False
        if any(source.kind in OURS for source in sources):
            self.builder().ensure(anew=how.build, offline=how.offline)
        self._build(checkouts.of(wanted.platform), how)
        return True

    def _build(self, folders: Mapping[str, Path], how: Obtaining) -> None:
        """Build what a checkout of the platform holds, when it changed and may be built."""
        if folders and self.platform is not None:
            checkouts.permit(self.place.root, self.platform, [*folders], yes=how.yes)
        for name, folder in folders.items():
            image = render.built(self.place.project, name)
            contexts.ensure(
                self.docker, self.engine, image, folder, self.tell,
                anew=how.build, project=self.place.project,
            )  # fmt: skip

    def _say_failed(self, failed: Mapping[str, str]) -> None:
        reasons: dict[str, list[str]] = {}
        for image, why in failed.items():
            reasons.setdefault(why, []).append(image)
        for why, images in reasons.items():
            self.tell(f"cannot be had ({why}): {', '.join(images)}")

    def builder(self) -> Builder:
        """Return who makes our own image."""
        base = registry.BASE_IMAGE
        if self.registry:
            base = mirrored(base, self.registry)
        return Builder(
            docker=self.docker, engine=self.engine, lock=LOCK, tell=self.tell, base_image=base
        )

    def guard(self, wanted: Plan) -> None:
        """Refuse volumes of others, and data that the planned Postgres cannot read."""
        project = self.place.project
        volumes = self.engine.get("/volumes")["Volumes"] or ()
        ours = {v["Name"]: v for v in volumes if str(v["Name"]).startswith(f"{project}_")}
        for volume in ours.values():
            guards.check_owner("volume", volume, project)
        for service in wanted.platform:
            name = f"{project}_{compose.volume_name(service.id, service.source.kind)}"
            if service.id == "db-postgres" and name in ours and not self._runs(service.id):
                self._check_postgres(service.source, name)

    def _runs(self, service: str) -> bool:
        found = ComposeRuntime(self.place, self.docker, self.engine).listed()
        return any(service_of(c) == service and c["State"] == "running" for c in found)

    def _check_postgres(self, source: Source, volume: str) -> None:
        own = source.kind in OURS
        image = self.builder().name() if own else source.path
        wanted = str(engines.POSTGRES_MAJOR) if own else guards.major_of(image)
        found = guards.majors_in(self.docker, volume, image)
        guards.check_major(found, wanted, volume)

    def settle(self, plan: Plan, wanted: Plan) -> None:
        """Choose the network's addresses, and remember what ``wanted`` uses from now on."""
        make_private_folder(self.place.home)
        self.place.relay.mkdir(exist_ok=True)
        self.place.relay.chmod(0o711)  # for a container's user; the folder above is closed
        found = self.docker.endpoint
        known = {s.id: str(s.source.kind) for s in wanted.contained}
        self._remember(
            runtime="docker",
            url=found.url,
            context=found.context,
            tls=found.tls,
            sources={**self.remembered.sources, **known},
            subnets=networks.subnets_of(
                self.engine, plan, self.place.project, self.remembered.subnets
            ),
            images=self._images_after(wanted),
        )

    def _images_after(self, wanted: Plan) -> list[str]:
        """Remove the images that were started from before; return those to remember."""
        ours = [self.builder().base_name(), self.builder().name()]
        if not any(service.source.kind in OURS for service in wanted.contained):
            return [*self.remembered.images]
        old = [name for name in self.remembered.images if name not in ours]
        left = tidy(self.place, self.docker, self.engine, old, self.tell) if old else []
        return [*left, *ours]

    def foreign_networks(self, plan: Plan) -> list[str]:
        """Return the networks of the plan's names that are not this checkout's."""
        return networks.foreign(self.engine, plan, self.place.project)

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

    def desired(self, plan: Plan, layout: Layout) -> Desired:
        """Return what the plan comes to in containers."""
        size = routes.mtu()
        site = render.Site(
            project=self.place.project,
            embedded=self.builder().name(),
            layout=layout,
            images=self.images(),
            subnets=self.remembered.subnets,
            gateway=inside.HOST if self.remembered.virtual else "",
            user=self.remembered.user,
            mtu=size if size < routes.USUAL_MTU else 0,
            authorities=(read_bytes(self.place.home / trust.BUNDLE) or b"").decode("latin-1"),
        )
        return render.desired(plan, site)
