"""An image whose name is nothing but unset variables."""

import re
from collections.abc import Iterator

from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import printable

VALID = re.compile(
    r"(?:[\w.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@[\w:+.-]+)?\Z"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a variable, with every image; one a name that is wrong by itself."""
    open_: dict[str, list[Service]] = {}
    for service in project.services.values():
        image = service.image
        if image is None or VALID.match(image.value) or len(image.value) > 500:
            continue
        bare = [r.name for r in image.refs if r.source == "unset"]
        if any(r.source == "required" for r in image.refs) or (bare and _known(project, bare[0])):
            continue
        if bare:
            open_.setdefault(", ".join(dict.fromkeys(bare)), []).append(service)
        else:
            yield RULE.found(
                f"the image of {service.name} is {printable(image.value) or 'empty'}: "
                "invalid reference format",
                image.where,
                service=service.name,
                fix="name an image in small letters",
            )
    for names, services in open_.items():
        first = services[0].image
        yield RULE.found(
            f"without {names} the image of {_common.services(s.name for s in services)} is none, "
            f"such as {printable(first.value) if first and first.value else 'nothing'}: "
            "invalid reference format",
            *(s.image.where for s in services if s.image),
            service=services[0].name,
            fix="give the variables a default",
        )


def _known(project: Project, name: str) -> bool:
    return project.example is not None and name in project.example.values


BAD = """\
services:
  a:
    image: ${REGISTRY}/app:${VERSION}
"""
GOOD = """\
services:
  a:
    image: ${REGISTRY:-ghcr.io/us}/app:${VERSION:-1.0}
"""
RULE = Rule(
    code="image-empty",
    title="An image whose name cannot be one",
    severity=Severity.ERROR,
    page="`${REGISTRY}/app:${VERSION}` with neither set is `/app:`, which Docker refuses.",
    bad=BAD,
    good=GOOD,
    check=check,
)
