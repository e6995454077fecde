"""The engine does not start a container of ours, and says why."""

from __future__ import annotations

from collections.abc import Iterable

from alfred_dev.doctor.look.services import services
from alfred_dev.doctor.model import Category, Check, Finding, Fix, Given
from alfred_dev.doctor.seen import Services
from alfred_dev.engine.refusals import known_refusal


def judge(seen: Services, given: Given) -> Iterable[Finding]:
    """Find containers that were made and never started: their end is in the engine's words."""
    for service in seen.ill:
        refusal = known_refusal(service.ending) if service.ended else None
        if refusal:
            commands = tuple(_typed(line, given) for line in refusal.fix)
            yield Finding(
                subject=service.id,
                about=frozenset({"engine"}),
                cause=f"the engine does not start {service.id}: {refusal.what}",
                evidence=(refusal.cause,),
                fix=Fix(text="Do what it needs; then start it.", commands=commands),
            )


def _typed(line: str, given: Given) -> str:
    """Return a line of an error's fix as a command, without what is said of it."""
    command = line.partition("   (")[0]
    return given.sudo + command.removeprefix("sudo ") if command.startswith("sudo ") else command


CHECK = Check(
    code="engine-refused",
    title="The engine does not start a container",
    category=Category.DOCKER,
    cause="its rules in the firewall were flushed, a file to mount is gone, an image is gone, ...",
    fix="what the engine's words mean; then `alfred-dev up`",
    depends_on=frozenset(
        {
            "config-invalid",
            "disk-full",
            "engine-down",
            "mount-missing",
            "out-of-memory",
            "port-taken",
            "port-was-taken",
            "program-unusable",
        }
    ),
    rank=26,
    observe=services,
    judge=judge,
)
