"""Where a service comes from when containers run it: checkout, image, else our own image.

For ``compose/`` it is decided from what is written down alone, so that the same project renders to
the same file everywhere. What really runs also depends on which images can be had, and on what the
data of a service was made by.
"""

from __future__ import annotations

from alfred_dev.catalog.model import Service
from alfred_dev.errors import MachineError
from alfred_dev.plan import EngineFacts, Source, SourceKind

OURS = (SourceKind.EMBEDDED, SourceKind.STAND_IN)
"""What runs in the local image that holds ``alfred_dev.embedded``."""


def choose(service: Service, platform: str | None, engine: EngineFacts | None = None) -> Source:
    """Return the container source of ``service``, the preferred one unless it pins another.

    ``platform``: the folder of the platform's checkout, None when no project names one;
    ``engine``: what is known of this machine's, None for the file that is the same everywhere.
    Raises MachineError when what is pinned, or what made the data, cannot be had.
    """
    if service.host_port is not None:
        detail = f"your own process on port {service.host_port}"
        return Source(kind=SourceKind.HOST, detail=detail)
    known = engine or EngineFacts()
    found = _candidates(service, platform, known)
    wanted = service.source or known.kept.get(service.id)
    if wanted is None:
        return found[0]
    for candidate in found:
        if candidate.kind == wanted:
            return candidate
    if service.source is None and _named_once(service, wanted, known):
        return found[0]
    raise _cannot(service, wanted, platform, known)


def _named_once(service: Service, wanted: str, known: EngineFacts) -> bool:
    """Tell whether the project named a checkout or an image once, and does not any more: where it
    is gone, others serve."""
    no_image = wanted == SourceKind.IMAGE and image_of(service, known) is None
    return wanted == SourceKind.CHECKOUT or no_image


def image_of(service: Service, engine: EngineFacts) -> str | None:
    """Return the image that ``service`` would run from, behind the mirror if there is one."""
    named = engine.named.get(service.id) or service.image
    if named is None:
        return None
    tagged = named if ":" in named.rpartition("/")[2] or "@" in named else f"{named}:latest"
    return mirrored(tagged, engine.registry) if engine.registry else tagged


def mirrored(image: str, registry: str) -> str:
    """Return ``image`` as ``registry`` has it: the same path, without the host it came from."""
    first, slash, rest = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return f"{registry.rstrip('/')}/{rest if is_host else image}"


def _candidates(service: Service, platform: str | None, engine: EngineFacts) -> list[Source]:
    """Return the sources there are, the preferred first; a service's last is its stand-in."""
    found = []
    if platform is not None and service.context is not None and service.id not in engine.unbuilt:
        path = f"{platform}/{service.context}"
        found.append(Source(kind=SourceKind.CHECKOUT, detail=path, path=path))
    image = image_of(service, engine)
    if image is not None and image not in engine.unavailable:
        found.append(Source(kind=SourceKind.IMAGE, detail=image, path=image))
    if service.engine:
        detail = engine.engines.get(service.id, "the engine in alfred-dev's own image")
        found.append(Source(kind=SourceKind.EMBEDDED, detail=detail))
    if service.helper:
        return found
    why = "its code is not here" if image is None else f"{image} cannot be had"
    return [*found, Source(kind=SourceKind.STAND_IN, detail=f"stand-in: {why}")]


def _cannot(
    service: Service, wanted: str, platform: str | None, engine: EngineFacts
) -> MachineError:
    pinned = service.source is not None
    made = "" if pinned else ", which made its data"
    return MachineError(
        "source-missing",
        f"{service.id} cannot come from {wanted} in a container{made}",
        cause=_why_not(service, wanted, platform, engine),
        fix=[f"change services.{service.id}.from ({service.where})"]
        if pinned
        else ["alfred-dev up   (when its registry can be reached)", "alfred-dev down --volumes"],
    )


def _why_not(service: Service, wanted: str, platform: str | None, engine: EngineFacts) -> str:
    if wanted == SourceKind.CHECKOUT and platform is None:
        return "alfred.yaml names no checkout of the platform"
    image = image_of(service, engine)
    if wanted == SourceKind.IMAGE and image is not None:
        return f"{image}: {engine.unavailable.get(image, 'it cannot be had')}"
    reasons = {
        SourceKind.CHECKOUT: engine.unbuilt.get(service.id, "it has no build context"),
        SourceKind.IMAGE: "it has no image",
        SourceKind.EMBEDDED: "there is no embedded engine for it",
    }
    return reasons.get(SourceKind(wanted), "a program of this machine runs in none")
