"""An image that the user names for a service is not what it runs from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alfred_dev.container_sources import image_of
from alfred_dev.doctor.look.configuration import Configuration, configuration
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given, Severity
from alfred_dev.plan import EngineFacts, PlannedService, SourceKind

PREFIX, REGISTRY = "ALFRED_IMAGE_", "ALFRED_IMAGE_REGISTRY"


def judge(seen: Configuration, given: Given) -> Iterable[Finding]:
    """Find ALFRED_IMAGE_<ID> of .env or the shell that has no effect."""
    plan = given.plan
    assert plan is not None  # noqa: S101 - it needs a plan
    if plan.runtime != "docker":
        return
    for key, image in _named(seen, given.environment).items():
        name = key.removeprefix(PREFIX).lower().replace("_", "-")
        if name not in plan.catalog.entries:
            yield _nobodys(key, name)
        elif name in plan.ids and plan[name].contained:
            facts = EngineFacts(registry=plan.settings[REGISTRY], named={name: image})
            wanted = image_of(plan[name].definition, facts)
            if plan[name].source.path != wanted:
                yield _unused(key, str(wanted), plan[name])


def _named(seen: Configuration, environment: Mapping[str, str]) -> Mapping[str, str]:
    files = (f for f in seen.files if f.path == ".env")
    given = {**{k: v for f in files for k, v in f.values}, **environment}
    return {k: v for k, v in given.items() if k.startswith(PREFIX) and k != REGISTRY and v}


def _nobodys(key: str, name: str) -> Finding:
    return Finding(
        subject=key,
        cause=f"{key} names an image for {name}, and no service is called that",
        fix=Fix(text="Correct its name: what `alfred-dev status` calls the service, in capitals."),
    )


def _unused(key: str, image: str, service: PlannedService) -> Finding:
    have = f"docker image inspect --format ok {image} || docker pull {image}"
    again = (have, f"alfred-dev up {service.id}")
    text = "Have it here, which says why that could not be; or correct the name."
    if service.source.kind is SourceKind.EMBEDDED:
        text += " Data stays with what made it: alfred-dev down --volumes, which deletes all data, "
        text += "has it taken."
    return Finding(
        subject=service.id,
        cause=f"{key} names {image}, and {service.id} does not run from it",
        evidence=(f"{service.id}: {service.source.kind}",),
        fix=Fix(text=text, commands=again),
    )


CHECK = Check(
    code="image-unused",
    title="An image that is named for a service is not used",
    category=Category.CONFIG,
    severity=Severity.WARNING,
    cause="it cannot be pulled, another source made the data of the service, or `up` was not run "
    "since",
    fix="`docker pull IMAGE`, then `alfred-dev up SERVICE`",
    depends_on=frozenset({"config-invalid", "engine-down", "settings-changed"}),
    rank=61,
    observe=configuration,
    judge=judge,
)
