"""An image without a version."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import images
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import HOLE, printable

FLOATING = re.compile(
    r"(?:latest|stable|edge|nightly|main|master|dev|develop|lts|current|alpine|slim|mainline)"
    r"(?:-[a-z]+\d*)?\Z"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding an image, with everywhere it is used."""
    used: dict[str, list[tuple[str, Where]]] = {}
    for service in project.services.values():
        image = service.image
        if image is None or service.build is not None or HOLE in image.text or not image.value:
            continue
        if any(r.source in ("example", "env") for r in image.refs) or _ours(project, image.value):
            continue
        found = images.reference(image.value)
        if found and not found.digest and (not found.tag or FLOATING.match(found.tag)):
            used.setdefault(image.value, []).append((service.name, image.where))
    for name, uses in used.items():
        yield RULE.found(
            f"{printable(name)} is another image tomorrow: it names no version",
            *(w for _, w in uses),
            service=uses[0][0],
            fix="name a version, such as the one you run now",
        )


def _ours(project: Project, name: str) -> bool:
    """Whether a service of the project builds that image."""
    return any(s.build and s.image and s.image.value == name for s in project.services.values())


BAD = """\
services:
  a:
    image: nginx:latest
"""
GOOD = """\
services:
  a:
    image: nginx:1.27.3
"""
RULE = Rule(
    code="floating-tag",
    title="An image without a version",
    severity=Severity.INFO,
    page="`latest`, `alpine`, or no tag at all: two people who pull on different days run "
    "different "
    "programs, and data of one major version does not open in the next.",
    bad=BAD,
    good=GOOD,
    check=check,
)
