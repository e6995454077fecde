"""Where a service comes from when local processes run it: engine, binary, else a stand-in."""

from __future__ import annotations

from alfred_dev.catalog.model import Engine, Service
from alfred_dev.errors import MachineError
from alfred_dev.plan import Facts, Source, SourceKind


def choose(service: Service, facts: Facts) -> Source:
    """Return where ``service`` comes from in the process runtime.

    An engine that is FIRST comes before a binary: its data cannot be broken by a system upgrade.
    Raises MachineError when alfred.yaml pins a source that is not here.
    """
    if service.host_port is not None:
        detail = f"your own process on port {service.host_port}"
        return Source(kind=SourceKind.HOST, detail=detail)
    found = there_are(service, facts)
    if service.source is None:
        return found[0]
    for candidate in found:
        if candidate.kind == service.source:
            return candidate
    raise MachineError(
        "source-missing",
        f"{service.id} cannot come from {service.source}",
        cause=_why_not(service, facts),
        fix=[
            f"alfred-dev config unset services.{service.id}.from   ({service.where}: whatever "
            "there is)"
        ],
    )


def there_are(service: Service, facts: Facts) -> list[Source]:
    """Return the sources there are, the preferred first; a service's last is its stand-in."""
    found = []
    embedded = []
    if service.id in facts.engines:
        embedded.append(Source(kind=SourceKind.EMBEDDED, detail=facts.engines[service.id]))
    real = facts.binaries.get(service.id)
    if real and service.binary:
        detail = " ".join(part for part in (real.path, real.version) if part)
        found.append(
            Source(
                kind=SourceKind.BINARY,
                detail=detail,
                binary=service.binary,
                path=real.path,
                search=real.search,
                home=real.home,
            )
        )
    both = [*found, *embedded] if service.engine is Engine.LAST else [*embedded, *found]
    if service.helper:
        return both
    detail = f"stand-in: {no_server(service, facts)}"
    return [*both, Source(kind=SourceKind.STAND_IN, detail=detail)]


def _why_not(service: Service, facts: Facts) -> str:
    if service.source in (SourceKind.CHECKOUT, SourceKind.IMAGE):
        return f"local processes are built from no {service.source}; that takes a Docker engine"
    if service.source == SourceKind.EMBEDDED:
        return "there is no embedded engine for it on this machine"
    return no_server(service, facts)


def no_server(service: Service, facts: Facts) -> str:
    """Say why nothing real can run here."""
    if service.id in facts.unusable:
        return facts.unusable[service.id]
    if service.id in facts.lacking:
        return facts.lacking[service.id]
    if service.binary:
        return f"no {' or '.join(service.binary.programs)} on PATH"
    return "its code is not here" if service.image is None else "no engine for this machine"
