"""An image whose name is nothing but unset variables."""

import re
from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import printable

VALID = re.compile(
    r"(?:[\w.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@[\w:+.-]+)?\Z"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding an image."""
    for service in project.services.values():
        image = service.image
        if image is None or VALID.match(image.value) or len(image.value) > 500:
            continue
        bare = [r for r in image.refs if r.source == "unset"]
        if any(r.source == "required" for r in image.refs) or (
            bare and _known(project, bare[0].name)
        ):
            continue
        why = f" while {', '.join(r.name for r in bare)} is not set" if bare else ""
        yield RULE.found(
            f"the image of {service.name} is {printable(image.value) or 'empty'}{why}: invalid "
            "reference format",
            image.where,
            service=service.name,
            fix="give the variables a default" if bare else "name an image in small letters",
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
