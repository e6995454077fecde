"""Images made here that a checkout started from before: some 400 MB each, until they are removed.

Never touched are images that somebody else gave a name too, that any container was made from, and
that another checkout of this user starts from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alfred_dev.engine.api import Engine
from alfred_dev.engine.command import Docker
from alfred_dev.image.build import BASE, LABEL, REPOSITORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What became of them, by name. ``left``: to be tried again, a container has it still."""

    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def unused(
    images: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]]
) -> set[str]:
    """Return the names of the images of ours alone that no container was made from. Pure.

    ``images``, ``containers``: all there are, as the engine lists them.
    """
    used = {str(container["ImageID"]) for container in containers}
    found: set[str] = set()
    for image in images:
        names = [str(name) for name in image.get("RepoTags") or ()]
        ours = all(name.rpartition(":")[0] in (REPOSITORY, BASE) for name in names)
        if ours and LABEL in (image.get("Labels") or {}) and image["Id"] not in used:
            found.update(names)
    return found


def remove(
    docker: Docker, engine: Engine, old: Collection[str], *, kept: Collection[str]
) -> Tidied:
    """Remove the images ``old``, but for those ``kept`` for others. Raises MachineError."""
    images = engine.get("/images/json", filters={"label": [LABEL]})
    here = {str(name) for image in images for name in image.get("RepoTags") or ()}
    wanted = sorted(here.intersection(old).difference(kept))
    free = unused(images, engine.get("/containers/json", all="true")) if wanted else set()
    removed = [n for n in wanted if n in free and docker.run("image", "rm", n).code == 0]
    return Tidied(removed=tuple(removed), left=tuple(n for n in wanted if n not in removed))
