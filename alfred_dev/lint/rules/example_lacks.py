"""An example that lacks what is needed."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules.default_differs import uses
from alfred_dev.lint.rules.variable_unset import AMBIENT
from alfred_dev.lint.tree import Ref


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding for the file, with every place that needs something."""
    if project.example is None:
        return
    lacking: dict[str, Ref] = {}
    for name, refs in sorted(uses(project).items()):
        needed = [r for r in refs if r.operator in (":?", "?")]
        if needed and name not in project.example.values and name not in AMBIENT:
            lacking[name] = needed[0]
    if lacking:
        yield RULE.found(
            f"{project.example.file} lacks {', '.join(lacking)}: who copies it cannot start",
            *(ref.where for ref in lacking.values()),
            fix="add a line each",
        )


BAD = """\
services:
  a:
    image: example/a:1
    environment: {TOKEN: '${TOKEN:?}', TAG: '${TAG:?}'}
# --- .env.example
TAG=1
"""
GOOD = """\
services:
  a:
    image: example/a:1
    environment: {TOKEN: '${TOKEN:?}'}
# --- .env.example
TOKEN=
"""
RULE = Rule(
    code="example-lacks",
    title="An example file that lacks what is needed",
    severity=Severity.WARNING,
    page="`.env.example` is what a new developer copies. What the compose files demand with "
    "`:?` must "
    "be in it.",
    bad=BAD,
    good=GOOD,
    check=check,
)
