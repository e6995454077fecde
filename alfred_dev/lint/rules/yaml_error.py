"""A file that is no YAML."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common


def check(project: Project, context: Context) -> Iterator[Finding]:
    """Say what the parser refused."""
    for flaw in project.flaws:
        if flaw.kind == "yaml":
            yield RULE.found(
                flaw.problem.message, _common.where(flaw.problem), fix="mend this line",
                service=flaw.service,
            )  # fmt: skip


BAD = """\
services:
  a:
    image: nginx:1.27
    image: nginx:1.28
"""
GOOD = """\
services:
  a:
    image: nginx:1.28
"""
RULE = Rule(
    code="yaml",
    title="The file is not YAML, or says a thing twice",
    severity=Severity.ERROR,
    page="Compose refuses the whole file: a tab, a wrong indent, a key that stands twice in one "
    "mapping, an alias without its anchor.",
    bad=BAD,
    good=GOOD,
    check=check,
)
