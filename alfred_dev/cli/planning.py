"""Plans of one command: catalog, settings, and one look at this machine."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alfred_dev import facts, gatekeeper, projectfile
from alfred_dev.catalog.model import Catalog, Profile
from alfred_dev.catalog.project import Loaded
from alfred_dev.cli import choice
from alfred_dev.cli.choice import Obtaining
from alfred_dev.host import bindable
from alfred_dev.names import helper as dns
from alfred_dev.plan import EngineFacts, Facts, Plan
from alfred_dev.planner import make
from alfred_dev.render.gateway.world import GATEWAY
from alfred_dev.render.process import Layout, desired
from alfred_dev.runtime.process import ProcessRuntime
from alfred_dev.settings import Settings
from alfred_dev.stack import Stack
from alfred_dev.tunnel import joined
from alfred_dev.tunnel import state as tunnel_state
from alfred_dev.workspace import Workspace

if TYPE_CHECKING:
    from alfred_dev.cli.containers import Containers

Wants = Callable[[Plan, tuple[Profile, ...]], Plan]


class Planning:
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
        self.processes = choice.process_runtime(place)
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
            return choice.remember_processes(self.place)
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


def layout(place: Workspace) -> Layout:
    """Return where the process runtime finds and keeps things."""
    return Layout(
        data=str(place.data),
        render=str(place.render),
        python=sys.executable,
        relay=str(place.relay),
    )
