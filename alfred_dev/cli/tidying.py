"""Removes the images made here that no checkout of this user needs any more."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from alfred_dev import slots
from alfred_dev.cli import choice
from alfred_dev.cli.choice import Tell
from alfred_dev.cli.place import slots_file
from alfred_dev.engine.api import Engine
from alfred_dev.engine.command import Docker
from alfred_dev.image import contexts, superseded
from alfred_dev.runtime import memory
from alfred_dev.workspace import Workspace


def tidy(
    place: Workspace, docker: Docker, engine: Engine, old: Collection[str], tell: Tell
) -> list[str]:
    """Remove the images ``old``; return those that a container has still, to be tried again."""
    roots = [root for root in slots.claims(slots_file()).values() if root != str(place.root)]
    kept = {name for root in roots for name in memory.load(Workspace(Path(root))).images}
    tidied = superseded.remove(docker, engine, old, kept=kept)
    if tidied.removed:
        tell(f"removed images that nothing uses any more: {', '.join(tidied.removed)}")
    return list(tidied.left)


def remove_all(place: Workspace, tell: Tell) -> None:
    """Remove every image that was made for a checkout, which is down for good."""
    for runtime in choice.of(place, tell):
        tidy(place, runtime.docker, runtime.engine, memory.load(place).images, tell)
        contexts.remove_all(runtime.docker, runtime.engine, place.project, tell)
