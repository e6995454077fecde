"""Mounts that Docker refuses."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a mount. What is mounted twice at one place, Compose itself leaves out."""
    for service in project.services.values():
        for mount in service.mounts:
            if mount.target.startswith("/") and not mount.target.strip("/."):
                yield RULE.found(
                    f"{service.name} mounts {printable(mount.source or mount.kind)} over / of its "
                    "container",
                    mount.where,
                    service=service.name,
                    fix="mount it over a folder, such as /app",
                )


BAD = """\
services:
  a:
    image: example/a:1
    volumes: ['.:/']
"""
GOOD = """\
services:
  a:
    image: example/a:1
    volumes: ['.:/app']
"""
RULE = Rule(
    code="mount-refused",
    title="A mount that Docker refuses",
    severity=Severity.ERROR,
    page="`invalid mount config: destination can't be '/'`: Compose takes it, the engine does not "
    "make the container.",
    bad=BAD,
    good=GOOD,
    check=check,
)
