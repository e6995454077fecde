"""The composition root: joins catalog, settings, facts and runtime into a stack."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import typer

from alfred_dev import envfile, gatekeeper, projectfile, selection, slots
from alfred_dev.catalog.model import Catalog
from alfred_dev.catalog.project import Loaded
from alfred_dev.catalog.schema import did_you_mean
from alfred_dev.cli import choice, looked
from alfred_dev.cli.choice import OBTAIN, Obtaining

# Commands that plan find these here; those that do not load no more than them.
from alfred_dev.cli.place import check_access as check_access
from alfred_dev.cli.place import locked as locked
from alfred_dev.cli.place import note as note
from alfred_dev.cli.place import slots_file as slots_file
from alfred_dev.cli.place import workspace as workspace
from alfred_dev.cli.planning import Planning, Wants
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.host import disk, listeners
from alfred_dev.settings import BY_KEY, Settings, check
from alfred_dev.stack import Stack
from alfred_dev.workspace import Workspace


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
    if make_secrets or flags is not None:  # it starts something, or says what that would do
        choice.refuse_other(place, chosen, note)
    else:
        chosen = choice.shown(place, chosen, note)
    planning = Planning(
        place=place,
        found=found,
        settings=settings,
        engine=choice.opened(place, chosen, note, starting=make_secrets),
        starting=make_secrets,
    )
    if make_secrets:
        slot = _claimed(planning, wants, obtaining)
    else:
        slot = _remembered(place) if flags is None else _slot(planning)
    return planning.stack(slot)


def _claimed(planning: Planning, wants: Wants | None, obtaining: Obtaining) -> int:
    """Have all that the wanted part needs, and claim the slot that it is to run in."""
    place, slot = planning.place, _slot(planning)
    if wants is not None:
        planning.obtain(slot, wants, obtaining)
        if planning.settings["ALFRED_SLOT"] == slots.AUTO:  # images take minutes: somebody came?
            slot = _slot(planning)
        planning.settle(slot, wants)
    plan = planning.plan(slot)  # refuses a slot that cannot be used, before it is claimed
    slots.claim(slots_file(), place.root, str(slot), usable=lambda _: True)
    gatekeeper.identity(place).name_issuer(plan.issuer)
    return slot


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
        projectfile.write_schema(place, found.catalog)
    _certificates(place, found)
    gatekeeper.identity(place).ensure(time.time())
    if envfile.ensure(place, settings, tell=note):
        return load_settings(ctx, place, found, flags)
    return settings


def _certificates(place: Workspace, found: Loaded) -> None:
    if looked.still_good(place, found):
        return
    from alfred_dev.cli import authority  # loads cryptography, a tenth of all the time

    authority.ensure(place, found, note)


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


def _remembered(place: Workspace) -> int:
    """Return the slot for a command that only looks: never an error."""
    claimed = slots.of(slots_file(), place.root)
    return claimed if claimed is not None else int(selection.recorded(place).get("slot", 0))


def _slot(planning: Planning) -> int:
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

    place, wanted, file = planning.place, planning.settings["ALFRED_SLOT"], slots_file()
    running = selection.recorded(place).get("slot") if choice.running(place, note) else None
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


def refuse_open_disk(place: Workspace) -> None:
    """Refuse a disk on which everybody can read what we write. Raises MachineError."""
    if disk.ignores_modes(place.home):
        raise MachineError(
            "modes-ignored",
            "passwords cannot be kept in this folder",
            cause=f"the disk under {place.root} ignores file modes (a Windows disk, FAT)",
            fix=["clone into a folder of your Linux file system, such as ~/src"],
        )
