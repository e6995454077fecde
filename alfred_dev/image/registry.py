"""A base image from a registry, where one answers: what the rest of the image is put on."""

from __future__ import annotations

from dataclasses import dataclass

from alfred_dev.engine.api import Engine
from alfred_dev.engine.command import Docker
from alfred_dev.image.layers import Layer

BASE_IMAGE = "python:3.12-slim-bookworm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image of the engine that holds Python. ``layers``: from the bottom, without files."""

    python: tuple[int, ...]
    layers: list[Layer]


def base(docker: Docker, engine: Engine, tell: object) -> Base | None:
    """Return the base image, None where no registry has it."""
    del docker, engine, tell
    return None
