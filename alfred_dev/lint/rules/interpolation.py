"""A dollar that Compose cannot read."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common


def check(project: Project, context: Context) -> Iterator[Finding]:
    """Say which."""
    for flaw in project.flaws:
        if flaw.kind == "interpolation":
            yield RULE.found(
                f"{flaw.problem.message}: the file will not load",
                _common.where(flaw.problem),
                fix="write $$ for a dollar that the container's shell is to see; Compose itself "
                "knows ${NAME}, ${NAME:-default}, ${NAME:?message} and ${NAME:+other}",
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
    page="Compose fills in variables; it runs no shell. `$(command)`, `${NAME//a/b}` or a lone "
    "dollar make it refuse the file.",
    bad=BAD,
    good=GOOD,
    check=check,
)
