"""A base image from a registry, where one answers: what the rest of the image is put on."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.engine.api import Engine, EngineAnswerError
from alfred_dev.engine.command import Docker
from alfred_dev.image.layers import USER, Layer, add_folder, add_text, pack
from alfred_dev.image.pull import pull

BASE_IMAGE = "python:3.12.8-slim-bookworm"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image of the engine that holds Python. ``layers``: from the bottom, without files."""

    python: tuple[int, ...]
    layers: list[Layer]


def base(docker: Docker, engine: Engine, image: str, tell: Tell) -> Base | None:
    """Return the base image, None where no registry has it."""
    if pull(docker, [image], tell):
        return None
    try:
        found = engine.get(f"/images/{image}/json")
    except EngineAnswerError:  # removed in this very moment
        return None
    said = "\n".join(found["Config"].get("Env") or ())
    version = re.search(r"^PYTHON_VERSION=(\d+)\.(\d+)", said, re.MULTILINE)
    if version is None:
        tell(f"{image} does not say which Python it has: it is not used")
        return None
    layers = [Layer(digest=digest) for digest in found["RootFS"]["Layers"]]
    return Base(python=(int(version[1]), int(version[2])), layers=layers)


def own_layer(path: Path) -> Layer:
    """Write the layer with our user and the folder that volumes are mounted on."""

    def members(tar: tarfile.TarFile) -> None:
        add_text(tar, "etc/group", f"root:x:0:\nalfred:x:{USER}:\n")
        users = f"root:x:0:0:root:/root:/bin/sh\nalfred:x:{USER}:{USER}:alfred-dev:/tmp:/bin/sh\n"
        add_text(tar, "etc/passwd", users)
        add_folder(tar, "var/lib/alfred", mode=0o700, owner=USER)

    return pack(path, members)
