"""Lines of .env that do not say what they seem to."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a line; one for all placeholders; one for Windows line ends."""
    for beside in (project.env, project.example):
        for problem in beside.problems if beside else ():
            yield RULE.found(
                f"{problem.message}: Compose refuses the file",
                _common.where(problem),
                severity=Severity.ERROR if beside is project.env else Severity.WARNING,
                fix="KEY=VALUE, and # before a comment",
            )
        if beside and beside.crlf:
            yield RULE.found(
                f"{beside.file} has Windows line ends: scripts that source it get a \\r in "
                "every value",
                Where(beside.file, beside.crlf, 1),
                severity=Severity.INFO,
                fix="sed -i 's/\\r$//' .env",
            )
    yield from _placeholders(project)


def _placeholders(project: Project) -> Iterator[Finding]:
    env = project.env
    if env is None:
        return
    open_ = {n: s for n, s in env.values.items()
             if _common.SECRET_KEY.search(n) and _common.PLACEHOLDER.search(s.value)}  # fmt: skip
    if open_:
        yield RULE.found(
            f"{env.file}: {', '.join(list(open_)[:8])} is still a placeholder",
            *(s.where for s in open_.values()),
            fix="put real values in",
        )


BAD = """\
services:
  a:
    image: example/a:${TAG}
# --- .env
TAG=1
API_TOKEN=changeme
"""
GOOD = """\
services:
  a:
    image: example/a:${TAG}
# --- .env
TAG=1
"""
RULE = Rule(
    code="env-lines",
    title="A line in .env that does not say what it seems to",
    severity=Severity.WARNING,
    page="Lines that Compose cannot read, secrets that are still placeholders, Windows line ends.",
    bad=BAD,
    good=GOOD,
    check=check,
)
