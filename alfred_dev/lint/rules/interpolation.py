"""A dollar that Compose cannot read."""

import re
from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

COMMAND = re.compile(r"\$\([a-z][^()]*\)")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """What cannot be read, and what is left as it stands where no shell will see it."""
    for flaw in project.flaws:
        if flaw.kind == "interpolation":
            yield RULE.found(
                f"{flaw.problem.message}: the file will not load", _common.where(flaw.problem),
                fix="write $$ for a dollar that the container's shell is to see; Compose itself "
                "knows ${NAME}, ${NAME:-default}, ${NAME:?message} and ${NAME:+other}",
            )  # fmt: skip
    for service in project.services.values():
        for variable in service.environment.values():
            if variable.origin == "compose" and COMMAND.search((variable.text or "")[:2000]):
                yield RULE.found(
                    f"{variable.name} of {service.name} is the text $(...) itself: Compose runs no "
                    "commands",
                    variable.where,
                    service=service.name,
                    fix="give the value, or ${NAME} and a value from outside",
                )


BAD = """\
services:
  a:
    image: nginx:1.27
    environment:
      HOST: $(hostname)
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    environment:
      HOST: ${HOST:-here}
"""
RULE = Rule(
    code="interpolation",
    title="Shell syntax that Compose does not run",
    severity=Severity.ERROR,
    page="Compose fills in variables; it runs no shell. `${NAME//a/b}` makes it refuse the file, "
    "`$(command)` in a variable stays that very text.",
    bad=BAD,
    good=GOOD,
    check=check,
)
