"""The composition root: joins catalog, settings, facts and runtime into a stack."""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from alfred_dev import envfile, facts, lock
from alfred_dev.catalog.model import Catalog
from alfred_dev.catalog.parse import parse
from alfred_dev.errors import MachineError, UsageError
from alfred_dev.host import disk
from alfred_dev.lifecycle import Stack
from alfred_dev.planner import make
from alfred_dev.render.process import Layout
from alfred_dev.runtime.process import ProcessRuntime, socket_path
from alfred_dev.workspace import Workspace, find_root, make_private_folder

CLONE = Path(__file__).parents[2]


def note(text: str) -> None:
    """Say one line to the person, beside the results."""
    print(f"alfred-dev: {text}", file=sys.stderr)


def catalog() -> Catalog:
    """Return the catalog that came with us."""
    source = importlib.resources.files("alfred_dev") / "catalog" / "services.yaml"
    return parse(source.read_text(encoding="utf-8"), source="alfred_dev/catalog/services.yaml")


def workspace() -> Workspace:
    """Return the checkout that the current folder belongs to. Raises UsageError."""
    try:
        start = Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "no-folder",
            "the current folder is gone",
            cause="it was deleted or moved while this shell was in it",
            fix=["cd ~"],
        ) from error
    return Workspace(find_root(start, CLONE, Path.home()))


def stack(ctx: typer.Context | None = None, *, make_secrets: bool = False) -> Stack:
    """Return everything a command works on. ``make_secrets``: may write ``.env``."""
    place = workspace()
    env_file = Path(ctx.obj) if ctx is not None and ctx.obj else None
    settings = envfile.load(place, os.environ, env_file)
    if make_secrets:
        place.prepare()
        refuse_open_disk(place)
        if envfile.ensure(place, settings, tell=note):
            settings = envfile.load(place, os.environ, env_file)
    refuse_other_runtimes(settings["ALFRED_RUNTIME"])
    known = catalog()
    machine = facts.gather(
        known, path=os.environ.get("PATH", os.defpath), cache=place.run / "versions.json"
    )
    return Stack(
        workspace=place,
        plan=make(known, settings, machine),
        layout=Layout(data=str(place.data), render=str(place.render), python=sys.executable),
        runtime=process_runtime(place),
    )


def process_runtime(place: Workspace) -> ProcessRuntime:
    """Return the runtime of a checkout; works without its settings."""
    return ProcessRuntime(place, socket_path(place, os.environ), dict(os.environ))


@contextlib.contextmanager
def locked(command: str) -> Iterator[None]:
    """Hold the checkout's lock: one command at a time changes it."""
    place = workspace()
    make_private_folder(place.home)
    with lock.held(place.home / "lock", f"alfred-dev {command}", tell=note):
        yield


def refuse_open_disk(place: Workspace) -> None:
    """Refuse a disk on which everybody can read what we write. Raises MachineError."""
    if disk.ignores_modes(place.home):
        raise MachineError(
            "modes-ignored",
            "passwords cannot be kept in this folder",
            cause=f"the disk under {place.root} ignores file modes (a Windows disk, FAT)",
            fix=["clone into a folder of your Linux file system, such as ~/src"],
        )


def refuse_other_runtimes(name: str) -> None:
    """Accept ``auto`` and ``process``. Raises MachineError, UsageError."""
    if name == "docker":
        raise MachineError(
            "runtime-missing",
            "this release has no Docker runtime",
            cause="it runs the services as local processes",
            fix=["alfred-dev up --runtime process"],
        )
    if name not in ("auto", "process"):
        raise UsageError("usage", f"there is no runtime {name}", cause="known are auto and process")
