"""Makes the scene that the doctor looks at, whatever is broken in it."""

from __future__ import annotations

import functools
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import typer

from alfred_dev import envfile, facts, lifecycle, projectfile, selection
from alfred_dev.catalog.project import Loaded
from alfred_dev.cli import authority, choice, planning, session
from alfred_dev.doctor.checks.engine_down import is_engine
from alfred_dev.doctor.model import Given
from alfred_dev.doctor.repairs import last_told
from alfred_dev.doctor.scene import Scene
from alfred_dev.errors import AlfredError
from alfred_dev.plan import Plan
from alfred_dev.planner import make
from alfred_dev.render.process import desired
from alfred_dev.runtime import memory
from alfred_dev.settings import BY_KEY, Settings
from alfred_dev.stack import Stack
from alfred_dev.workspace import Workspace

QUICK_TIMEOUT_S = 1.5
TIMEOUT_S = 2.0
NOWHERE = Workspace(Path("/nonexistent"))  # a project without any file


def scene(ctx: typer.Context | None, *, quick: bool = False) -> Scene:
    """Return the scene: as it is configured, else as far as anything can be known."""
    place: Workspace | None = None
    stack: Stack | None = None
    problem: AlfredError | None = None
    try:
        place = session.workspace()
        stack = session.stack(ctx)
        envfile.missing(place, stack.plan.settings)
    except AlfredError as error:
        problem = error
    guessed = place is not None and stack is None and not is_engine(problem)
    if guessed and place is not None:
        stack = _guess(place)
    given = _given(place, stack, problem)
    found = _loaded(place) if place else None
    return Scene(
        given=replace(given, guessed=guessed),
        workspace=place,
        stack=stack,
        store=authority.store(place, found.project) if place and found else None,
        web_names=authority.names(found, web_only=True) if found else (),
        names=authority.names(found) if found else (),
        own_certificate=bool(found and found.project.certificate),
        probe_timeout_s=QUICK_TIMEOUT_S if quick else TIMEOUT_S,
    )


def _loaded(place: Workspace) -> Loaded | None:
    """Return what alfred.yaml says, None where it cannot be read."""
    try:
        return projectfile.loaded(place)
    except AlfredError:
        return None


def _given(place: Workspace | None, stack: Stack | None, problem: AlfredError | None) -> Given:
    plan: Plan | None = stack.plan if stack else None
    return Given(
        root=str(place.root) if place else "",
        project=place.project if place else "",
        plan=plan,
        problem=problem,
        selected=frozenset(lifecycle.selected(stack)) if stack else frozenset(),
        ever_up=bool(place and selection.recorded(place)),
        environment=dict(os.environ),
        secrets=plan.secrets if plan else frozenset(),
        sudo="" if os.geteuid() == 0 else "sudo ",
        platform=sys.platform,
        now=time.time(),
    )


def _guess(place: Workspace) -> Stack | None:
    """Return the stack as alfred.yaml has it where that can be read, else of the catalog alone.

    What runs can still be looked at: its processes, its ports, its words.
    """
    read = _loaded(place)
    known = _guessed(place, read) if read else None
    return known or _guessed(place, projectfile.loaded(NOWHERE))


def _guessed(place: Workspace, plain: Loaded) -> Stack | None:
    try:
        settings = _settings(place)
        cache = place.run / "versions.json"
        machine = facts.gather(plain.catalog, path=os.environ.get("PATH", os.defpath), cache=cache)
        slot = int(selection.recorded(place).get("slot", 0))
        if memory.load(place).mixed:  # containers run, whose engine is asked as ever
            engine = choice.opened(place, "docker", session.note, starting=False)
            return planning.Planning(
                place=place, found=plain, settings=settings, engine=engine, starting=False
            ).stack(slot)
        plan = make(plain.catalog, settings, machine, slot=slot)
        return Stack(
            workspace=place,
            plan=plan,
            profiles=(),
            runtime=choice.process_runtime(place),
            desired=functools.cache(lambda: desired(plan, planning.layout(place))),
        )
    except (AlfredError, OSError):
        return None


def _settings(place: Workspace) -> Settings:
    try:
        return envfile.load(place, os.environ)
    except AlfredError:  # what runs was told what the file said while it could be read
        told = {k: v for k, v in last_told(place).items() if k in BY_KEY}
        return envfile.load(NOWHERE, {**told, **os.environ})
