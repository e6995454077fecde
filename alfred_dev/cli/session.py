"""The composition root: joins catalog, settings, facts and runtime into a stack."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alfred_dev import envfile, facts, gatekeeper, lifecycle, projectfile, slots
from alfred_dev.catalog.model import Catalog, Profile
from alfred_dev.catalog.project import Loaded
from alfred_dev.catalog.schema import did_you_mean
from alfred_dev.cli import choice
from alfred_dev.cli.choice import OBTAIN, Obtaining

# Commands that plan find these here; those that do not load no more than them.
from alfred_dev.cli.place import check_access as check_access
from alfred_dev.cli.place import locked as locked
from alfred_dev.cli.place import note as note
from alfred_dev.cli.place import workspace as workspace
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.host import bindable, disk, listeners
from alfred_dev.lifecycle import Stack
from alfred_dev.names import helper as dns
from alfred_dev.plan import EngineFacts, Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render.gateway.world import GATEWAY
from alfred_dev.render.process import Layout, desired
from alfred_dev.runtime import memory
from alfred_dev.runtime.base import Runtime
from alfred_dev.runtime.process import ProcessRuntime
from alfred_dev.settings import BY_KEY, Settings, check
from alfred_dev.tunnel import joined
from alfred_dev.tunnel import state as tunnel_state
from alfred_dev.workspace import Workspace

if TYPE_CHECKING:
    from alfred_dev.cli.containers import Containers

Wants = Callable[[Plan, tuple[Profile, ...]], Plan]


def catalog() -> Catalog:
    """Return the catalog of this project."""
    return projectfile.loaded(workspace()).catalog


def stack(
    ctx: typer.Context | None = None,
    *,
    make_secrets: bool = False,
    flags: Mapping[str, str | None] | None = None,
    wants: Wants | None = None,
    obtaining: Obtaining = OBTAIN,
) -> Stack:
    """Return everything a command works on.

    ``make_secrets``: the command starts things, so it may write ``.env`` and claim a slot;
    ``flags``: settings that options of the command give, None where the option was not given;
    ``wants``: the part of the plan that is to run, for which images are had as ``obtaining`` says.
    """
    place = workspace()
    check_access(place)
    found = projectfile.loaded(place)
    settings = load_settings(ctx, place, found, flags)
    if make_secrets:
        settings = _made_ready(ctx, place, found, settings, flags)
    chosen = choice.choose(place, settings["ALFRED_RUNTIME"], note, starting=make_secrets)
    if make_secrets:
        refuse_other_runtime(place, chosen)
    planning = _Planning(
        place=place,
        found=found,
        settings=settings,
        engine=choice.opened(place, chosen, note, starting=make_secrets),
        starting=make_secrets,
    )
    if make_secrets or flags is not None:
        slot = _slot(place, settings["ALFRED_SLOT"], planning)
    else:
        slot = _remembered(place)
    if make_secrets and wants is not None:
        planning.obtain(slot, wants, obtaining)
        if settings["ALFRED_SLOT"] == slots.AUTO:  # somebody may have come: images take minutes
            slot = _slot(place, slots.AUTO, planning)
        planning.settle(slot, wants)
    if make_secrets:
        planning.plan(slot)  # refuses a slot that cannot be used, before it is claimed
        slots.claim(slots_file(), place.root, str(slot), usable=lambda _: True)
        gatekeeper.identity(place).name_issuer(planning.plan(slot).issuer)
    return planning.stack(slot)


def _made_ready(
    ctx: typer.Context | None,
    place: Workspace,
    found: Loaded,
    settings: Settings,
    flags: Mapping[str, str | None] | None,
) -> Settings:
    """Make folders and secrets; return the settings, with those."""
    for warning in (*found.warnings, *settings.strays):
        note(f"warning: {warning}")
    place.prepare()
    refuse_open_disk(place)
    if found.project.present:
        projectfile.write_schema(place)
    _certificates(place, found)
    gatekeeper.identity(place).ensure(time.time())
    if envfile.ensure(place, settings, tell=note):
        return load_settings(ctx, place, found, flags)
    return settings


class _Planning:
    """Plans of one command, which may change while images turn out not to be had."""

    def __init__(
        self,
        *,
        place: Workspace,
        found: Loaded,
        settings: Settings,
        engine: Containers | None,
        starting: bool,
    ) -> None:
        self.place, self.found, self.settings = place, found, settings
        self.engine, self.starting = engine, starting
        self.tunnels = tuple(tunnel_state.live(place.home, time.time()).values())
        self.processes = process_runtime(place)
        self.dns = dns.asked(os.environ, Path.home(), place.root)
        path = os.environ.get("PATH", os.defpath)
        machine = facts.gather(found.catalog, path=path, cache=place.run / "versions.json")
        machine = with_access(machine, place, found, settings)
        self.machine = replace(
            machine,
            closed=closed_to_helpers(found.catalog, self.processes, engine),
            platform=projectfile.platform(place, found.project),
            engine=self._engine_facts(),
        )

    def _engine_facts(self) -> EngineFacts | None:
        if self.engine is None:
            return None
        self.engine.platform = projectfile.platform(self.place, self.found.project)
        return self.engine.facts(self.settings, self.found.catalog, starting=self.starting)

    def plan(self, slot: int) -> Plan:
        """Return the plan of a slot."""
        project = self.found.project
        catalog, machine = joined.join(
            self.found.catalog, self.machine, self.tunnels, slot=slot, python=sys.executable
        )
        catalog, machine = dns.join(catalog, machine, self.dns, shutil.which("dnsmasq"))
        plan = make(
            catalog,
            self.settings,
            machine,
            slot=slot,
            domain=project.domain,
            isolation=project.isolation,
        )
        return joined.tell(plan, self.tunnels)

    def obtain(self, slot: int, wants: Wants, how: Obtaining) -> None:
        """Have every image that is needed for what is to run."""
        profiles = self.found.project.profiles
        while self.engine and not self.engine.obtain(wants(self.plan(slot), profiles), how):
            self.machine = replace(self.machine, engine=self._engine_facts())

    def settle(self, slot: int, wants: Wants) -> None:
        """Refuse what must not be touched, then remember the runtime."""
        if self.engine is None:
            return remember_processes(self.place)
        plan = self.plan(slot)
        wanted = wants(plan, self.found.project.profiles)
        self.engine.guard(wanted)
        return self.engine.settle(plan, wanted)

    def stack(self, slot: int) -> Stack:
        """Return what a command works on."""
        plan, place = self.plan(slot), self.place
        render = self.engine.desired if self.engine else desired
        return Stack(
            workspace=place,
            plan=plan,
            profiles=self.found.project.profiles,
            runtime=self.engine.runtime(plan, self.processes) if self.engine else self.processes,
            desired=functools.cache(lambda: render(plan, layout(place))),
            initial_sql=self.found.project.initial_sql,
        )


def with_access(machine: Facts, place: Workspace, found: Loaded, settings: Settings) -> Facts:
    """Return the facts with what the gateway must know, or with why there can be none."""
    access = gatekeeper.look(place, found.project, settings["ALFRED_GATEWAY_SECRET"])
    if not isinstance(access, str):
        return replace(machine, access=access)
    engines = {name: line for name, line in machine.engines.items() if name != GATEWAY}
    return replace(machine, engines=engines, unusable={**machine.unusable, GATEWAY: access})


def _certificates(place: Workspace, found: Loaded) -> None:
    from alfred_dev.cli import authority  # loads cryptography, which only a start needs

    authority.ensure(place, found, note)


def closed_to_helpers(
    catalog: Catalog, runtime: ProcessRuntime, engine: Containers | None
) -> dict[int, str]:
    """Return the ports that a helper would move away from, and why.

    What runs stays where it is: a port that has become free moves nothing.
    """
    rooted = engine is not None and engine.opens_every_port
    movable = {
        helper.id: [port for port in helper.ports if port.instead]
        for helper in catalog.helpers.values()
    }
    wanted = {
        name: [number for p in ports for number in (p.host, p.instead) if number]
        for name, ports in movable.items()
    }
    running = runtime.observe(wanted).services if any(wanted.values()) else {}
    held = {name: found.ports for name, found in running.items()}
    held |= engine.ports() if engine is not None else {}
    closed: dict[int, str] = {}
    for name, ports in movable.items():
        has = held.get(name, frozenset())
        for port in ports:
            why = (
                "it runs there"
                if port.instead in has
                else bindable.why_not(port.host, privileged=rooted)
            )
            if why and port.host not in has:
                closed[port.host] = why
    return closed


def load_settings(
    ctx: typer.Context | None,
    place: Workspace,
    found: Loaded,
    flags: Mapping[str, str | None] | None = None,
) -> Settings:
    """Resolve the settings over all layers."""
    given = ctx.obj if ctx is not None else None
    typed = {**(given.flags if given else {}), **{k: v for k, v in (flags or {}).items() if v}}
    for key in typed:
        if key not in BY_KEY:
            raise UsageError(
                "unknown-setting",
                f"there is no setting {key}",
                cause=f"--set gives it{did_you_mean(key, BY_KEY)}",
                fix=["alfred-dev config show"],
            )
    env_file = Path(given.env_file) if given and given.env_file else None
    settings = envfile.load(
        place, os.environ, env_file, flags=typed, project=found.project.settings
    )
    check(settings)
    return settings


def slots_file() -> Path:
    """Return the registry of this user's slots."""
    return slots.registry(os.environ, Path.home())


def _remembered(place: Workspace) -> int:
    """Return the slot for a command that only looks: never an error."""
    claimed = slots.of(slots_file(), place.root)
    return claimed if claimed is not None else int(lifecycle.recorded(place).get("slot", 0))


def _slot(place: Workspace, wanted: str, planning: _Planning) -> int:
    """Return the slot to use; claims nothing.

    What runs decides, also when the registry was lost: nothing moves silently. Raises UsageError
    when another slot is asked for meanwhile.
    """

    def usable(slot: int) -> bool:
        try:
            plan = planning.plan(slot)
        except UsageError:  # a port of a project's own that this slot shifts too far
            return False
        ours = (s for s in plan.platform if not s.by_developer)
        ports = {e.port: e.service for s in ours for e in s.endpoints}
        if planning.engine is not None and planning.engine.foreign_networks(plan):
            return False
        return not listeners.conflicts(ports, listeners.listeners(ports))

    file = slots_file()
    running = lifecycle.recorded(place).get("slot") if running_runtime(place) else None
    if running is None:
        return slots.choose(file, place.root, wanted, usable=usable)
    if wanted not in ("", slots.AUTO, str(running)):
        raise UsageError(
            "slot-in-use",
            f"this checkout runs in slot {running}",
            cause="a slot cannot be changed while services run",
            fix=["alfred-dev down", f"alfred-dev up --slot {slots.number(wanted)}"],
        )
    return int(running)


def layout(place: Workspace) -> Layout:
    """Return where the process runtime finds and keeps things."""
    return Layout(
        data=str(place.data),
        render=str(place.render),
        python=sys.executable,
        relay=str(place.relay),
    )


def runtimes(place: Workspace) -> list[Runtime]:
    """Return every runtime that may run something of a checkout, whatever its settings say.

    Raises MachineError when its containers cannot be looked for.
    """
    return [process_runtime(place), *choice.of(place, note)]


def running_runtime(place: Workspace) -> str:
    """Return the name of the runtime that runs services of a checkout now, else nothing."""
    if process_runtime(place).records() is not None and not memory.load(place).mixed:
        return "process"
    return "docker" if any(r.listed() for r in choice.of(place, note)) else ""


def refuse_other_runtime(place: Workspace, chosen: str) -> None:
    """Refuse to start beside services that the other runtime runs. Raises UsageError."""
    running = running_runtime(place)
    if running and running != chosen:
        raise UsageError(
            "runtime-in-use",
            f"this checkout runs in the {running} runtime",
            cause=f"{chosen} was asked for, and both would want the same ports",
            fix=["alfred-dev down", f"alfred-dev up --runtime {chosen}"],
        )


def remember_processes(place: Workspace) -> None:
    """Remember that this checkout uses local processes."""
    remembered = memory.load(place)
    if remembered.runtime != "process":
        memory.save(place, replace(remembered, runtime="process"))


def process_runtime(place: Workspace) -> ProcessRuntime:
    """Return the runtime of a checkout; works without its settings."""
    return ProcessRuntime(place, dict(os.environ))


def refuse_open_disk(place: Workspace) -> None:
    """Refuse a disk on which everybody can read what we write. Raises MachineError."""
    if disk.ignores_modes(place.home):
        raise MachineError(
            "modes-ignored",
            "passwords cannot be kept in this folder",
            cause=f"the disk under {place.root} ignores file modes (a Windows disk, FAT)",
            fix=["clone into a folder of your Linux file system, such as ~/src"],
        )
