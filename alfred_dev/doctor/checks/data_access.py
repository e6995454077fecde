"""A service may not use its own data: owner or mode are not as it needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alfred_dev.doctor import words
from alfred_dev.doctor.ailing import container_of, data_of, in_container, on_data, unwell
from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Service, Services

FOLDER = re.compile(r"'?(/[^'\"\s:]*/data/[^'\"\s:]+)")


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find durable services that ended because they were not let in."""
    for service, line in words.saying(unwell(seen), words.DENIED):
        if service.ended and not words.PRIVILEGED_PORT.search(line.text):
            caught = FOLDER.search(line.text)
            folder = caught[1] if caught else data_of(service, given)
            commands = words.remedy([line.text]) or (
                f"{given.sudo}chown -R {_owner(service, given)} '{folder}'",
                f"chmod -R u+rwX,go-rwx '{folder}'",
            )
            yield Finding(
                subject=service.id,
                cause=f"{service.id} may not use {folder} as it is: {line.text}",
                evidence=(line.text,),
                fix=Fix(
                    text="Give the folder back its owner and its mode.",
                    commands=(
                        *on_data(service, given, *commands),
                        f"alfred-dev up {service.id}",
                    ),
                ),
            )


def _owner(service: Service, given: Given) -> str:
    """Return what a shell here replaces by the user that the service runs as."""
    if in_container(service, given):
        name = container_of(service, given)
        return f"$(docker inspect -f '{{{{or .Config.User 0}}}}' {name})"
    return "$(id -u)"


CHECK = Check(
    code="data-access",
    title="A service may not use its data",
    category=Category.DATA,
    cause="owner or mode of its folder were changed (a copy, sudo, a restore)",
    fix="`chown -R` and `chmod -R go-rwx` on the folder, then `alfred-dev up SERVICE`",
    depends_on=frozenset({"disk-read-only"}),
    rank=18,
    observe=services,
    judge=judge,
)
