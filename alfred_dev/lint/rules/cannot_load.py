"""Files that do not fit together."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

KINDS = ("extends", "include", "shape", "missing-file")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """Say what could not be joined, and which services are left without an image."""
    for flaw in project.flaws:
        if flaw.kind in KINDS:
            yield RULE.found(
                flaw.problem.message, _common.where(flaw.problem), service=flaw.service,
                fix="name a file and a service that are there",
            )  # fmt: skip
    for service in project.services.values():
        if service.image is None and service.build is None and "provider" not in service.node.items:
            lying = f" with {', '.join(project.files)}" if len(project.files) > 1 else ""
            yield RULE.found(
                f"{service.name} has neither image nor build{lying}: Compose refuses the project",
                service.where,
                service=service.name,
                fix="give it an image or a build, or load the file that does",
            )


BAD = """\
services:
  a:
    environment: {A: '1'}
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    environment: {A: '1'}
"""
RULE = Rule(
    code="cannot-load",
    title="An overlay, extends or include that cannot load",
    severity=Severity.ERROR,
    page="An overlay only works over files that have its services; `extends` and `include` need "
    "the file and the service that they name.",
    bad=BAD,
    good=GOOD,
    check=check,
)
