"""What the checks on services share. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from alfred_dev.container_sources import OURS
from alfred_dev.doctor import words
from alfred_dev.doctor.model import Finding, Fix, Given, Judge
from alfred_dev.doctor.seen import Service, Services
from alfred_dev.doctor.words import Line
from alfred_dev.plan import SourceKind
from alfred_dev.render.ours import DATA

# Whatever says exactly why a service ended; the general finding follows from each of them.
WHY_ENDED = frozenset(
    {
        "address-old", "config-invalid", "data-access", "data-damaged", "data-deleted",
        "data-locked", "data-other-version",
        "database-object-missing", "disk-full", "disk-read-only", "endpoint-wrong", "engine-down",
        "engine-refused",
        "inotify-exhausted", "killed", "limit-inherited", "loopback-broken",
        "module-missing", "name-unknown",
        "out-of-memory", "password-mismatch", "port-privileged", "port-taken", "port-was-taken",
        "program-unusable", "setting-missing", "setting-refused", "supervisor-lost",
        "too-many-open-files", "too-many-threads", "volume-full",
    }
)  # fmt: skip


def restart(name: str) -> str:
    """Return the command that starts one service anew."""
    return f"alfred-dev restart {name}"


def anew(python: str, name: str) -> Fix:
    """Return what makes the environment anew in which ``python``, of a service of ours, lies."""
    clone, inside, _ = python.partition("/.venv/")
    return Fix(
        text="Have the environment made anew (or install what it names, for a service of yours).",
        commands=(*((f"rm -rf '{clone}/.venv'",) if inside else ()), f"alfred-dev up {name}"),
    )


def unwell(services: Services) -> Iterator[Service]:
    """Yield every service that should be well, is not, and was started."""
    return (row for row in services.ill if row.said or row.ended or row.runs)


def said(
    pattern: re.Pattern[str],
    cause: Callable[[Service, Line, Given], str],
    fix: Callable[[Service, Line, Given], Fix],
    *,
    ended: bool = False,
) -> Judge:
    """Return a judge that finds what services said before they fell ill.

    ``ended``: only of those that ended; a healthy service is never asked what it said.
    """

    def judge(services: Services, given: Given) -> Iterable[Finding]:
        ill = (s for s in unwell(services) if s.ended or not ended)
        for service, line in words.saying(ill, pattern):
            yield Finding(
                subject=service.id,
                cause=cause(service, line, given),
                evidence=(line.text,),
                fix=fix(service, line, given),
            )

    return judge


def data_of(service: Service, given: Given) -> str:
    """Return the folder that holds the data of a service, as the service itself calls it."""
    row = service.status.service
    if not in_container(service, given):
        return f"{given.root}/.alfred/data/{service.id}"
    if row.source.kind in OURS:
        return f"{DATA}/{service.id}"
    return row.definition.container.volume or "/"


def on_data(service: Service, given: Given, *commands: str) -> tuple[str, ...]:
    """Return ``commands``, which change the data of a service, as they are to be typed.

    What a container keeps is in a volume: they run in another container that has it too.
    """
    if not in_container(service, given):
        return commands
    name = container_of(service, given)
    image = f"$(docker inspect -f '{{{{.Image}}}}' {name})"
    script = " && ".join(command.removeprefix("sudo ") for command in commands)
    run = f"docker run --rm --user 0 --entrypoint sh --volumes-from {name} {image}"
    return (f'{run} -c "{script}"',)


def in_container(service: Service, given: Given) -> bool:
    """Tell whether a service runs in a container of ours."""
    inside = given.plan is not None and given.plan.runtime == "docker"
    return inside and service.status.service.contained


def container_of(service: Service, given: Given) -> str:
    """Return what the engine calls the container of a service."""
    return f"{given.project}-{service.id}-1"


def without_image(service: Service, given: Given) -> tuple[str, ...]:
    """Return what has a service do without the image that the user named for it; else nothing."""
    row = service.status.service
    named = row.source.kind is SourceKind.IMAGE and row.source.path != row.definition.image
    if not in_container(service, given) or not named:
        return ()
    key = f"ALFRED_IMAGE_{service.id.upper().replace('-', '_')}"
    edit = "sed -i ''" if given.platform == "darwin" else "sed -i"
    return (f"unset {key}; {edit} '/^{key}=/d' .env", f"alfred-dev up {service.id}")
