"""Where a service comes from when containers run it: checkout, image, else our own image.

Decided from what is written down, never from what this machine has: the same project renders to
the same file everywhere.
"""

from __future__ import annotations

from alfred_dev.catalog.model import Service
from alfred_dev.errors import MachineError
from alfred_dev.plan import Source, SourceKind

OURS = (SourceKind.EMBEDDED, SourceKind.STAND_IN)
"""What runs in the local image that holds ``alfred_dev.embedded``."""


def choose(service: Service, platform: str | None) -> Source:
    """Return the container source of ``service``, the preferred one unless it pins another.

    ``platform``: the folder of the platform's checkout, None when no project names one. Raises
    MachineError when what is pinned cannot be a container's source.
    """
    if service.host_port is not None:
        detail = f"your own process on port {service.host_port}"
        return Source(kind=SourceKind.HOST, detail=detail)
    found = _candidates(service, platform)
    if service.source is None:
        return found[0]
    for candidate in found:
        if candidate.kind == service.source:
            return candidate
    raise MachineError(
        "source-missing",
        f"{service.id} cannot come from {service.source} in a container",
        cause=_why_not(service, platform),
        fix=[f"change services.{service.id}.from ({service.where})"],
    )


def _candidates(service: Service, platform: str | None) -> list[Source]:
    """Return the sources there are, the preferred first; the last is always the stand-in."""
    found = []
    if platform is not None and service.context is not None:
        path = f"{platform}/{service.context}"
        found.append(Source(kind=SourceKind.CHECKOUT, detail=path, path=path))
    if service.image is not None:
        found.append(Source(kind=SourceKind.IMAGE, detail=service.image, path=service.image))
    if service.engine:
        detail = "the engine in alfred-dev's own image"
        found.append(Source(kind=SourceKind.EMBEDDED, detail=detail))
    return [*found, Source(kind=SourceKind.STAND_IN, detail="stand-in: its code is not here")]


def _why_not(service: Service, platform: str | None) -> str:
    if service.source == SourceKind.CHECKOUT and platform is None:
        return "alfred.yaml names no checkout of the platform"
    reasons = {
        SourceKind.CHECKOUT: "it has no build context",
        SourceKind.IMAGE: "it has no image",
        SourceKind.EMBEDDED: "there is no embedded engine for it",
    }
    return reasons.get(SourceKind(str(service.source)), "a program of this machine runs in none")
