"""A profile that no service has."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """Profiles that .env switches on; and dependencies that their profile keeps away."""
    there = {p for s in project.services.values() for p in s.profiles}
    chosen = project.scope.get("COMPOSE_PROFILES")
    for profile in project.profiles:
        if profile not in there and profile != "*" and chosen:
            yield RULE.found(
                f"COMPOSE_PROFILES switches {printable(profile)} on, which no service has",
                chosen.where,
                fix=f"one of {_common.services(there)}" if there else "take it out",
            )
    yield from _kept_away(project)


def _kept_away(project: Project) -> Iterator[Finding]:
    """What always starts must not depend on what starts only with a profile."""
    for service in project.services.values():
        if service.profiles:
            continue
        for name, needed in service.depends_on.items():
            other = project.services.get(name)
            if (
                other
                and other.profiles
                and needed.required
                and not set(other.profiles) & set(project.profiles)
            ):
                yield RULE.found(
                    f"{service.name} always starts, and depends on {name}, which is only there "
                    "with "
                    f"profile {_common.services(other.profiles)}: Compose refuses that",
                    needed.where,
                    service=service.name,
                    severity=Severity.ERROR,
                    fix=f"give {service.name} the profile too, or say required: false",
                )


BAD = """\
services:
  a:
    image: nginx:1.27
    depends_on: [b]
  b:
    image: nginx:1.27
    profiles: [extra]
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
  b:
    image: nginx:1.27
    profiles: [extra]
"""
RULE = Rule(
    code="profile",
    title="A profile that no service has, or that keeps a dependency away",
    severity=Severity.WARNING,
    page="An unknown profile is ignored without a word: services are missing. A service without "
    "profiles that depends on one with: Compose refuses the project until that profile is on.",
    bad=BAD,
    good=GOOD,
    check=check,
)
