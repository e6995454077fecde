"""Variables that are set but that nobody reads."""

import re
from collections.abc import Iterator

from alfred_dev.lint.dotenv import EnvFile
from alfred_dev.lint.files import parent
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules.default_differs import uses

TOOLS = re.compile(
    r"^(COMPOSE|DOCKER|BUILDKIT|BUILDX|NODE|NPM|PIP|PYTHON|CI|GIT|AWS|GOOGLE)_|^(TZ|LANG|PATH|DEBUG|PUID|PGID)$"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a file."""
    beside = project.env or project.example
    if beside is None or project.overlay or project.mentioned is None:
        return
    if parent(beside.file) != project.folder:
        return  # one folder up, it is for all that lies there
    unread = _unread(project, beside)
    if unread and len(unread) < len(beside.values):
        shown = ", ".join(unread[:8]) + (f" and {len(unread) - 8} more" if len(unread) > 8 else "")
        yield RULE.found(
            f"{beside.file} sets {shown}, which nothing here reads",
            *(beside.values[n].where for n in unread),
            fix="delete it, or use it",
        )


def _unread(project: Project, beside: EnvFile) -> list[str]:
    if any(
        use.path.rpartition("/")[2].startswith(".env")
        for s in project.services.values()
        for use in s.env_files
    ):
        return []  # a container gets all of it
    read = uses(project).keys() | (project.mentioned or frozenset())
    own = {n for s in project.services.values() for n in s.environment}
    return [n for n in beside.values if n not in read and n not in own and not TOOLS.search(n)]


BAD = """\
services:
  a:
    image: example/a:${TAG}
# --- .env
TAG=1
OLD_TGA=2
"""
GOOD = """\
services:
  a:
    image: example/a:${TAG}
# --- .env
TAG=1
"""
RULE = Rule(
    code="variable-unread",
    title="Variables that are set, but that nobody reads",
    severity=Severity.INFO,
    page="A line in `.env` or its example that no compose file fills in, no env_file passes "
    "on, and "
    "no file of the project mentions: a leftover, or a misspelling.",
    bad=BAD,
    good=GOOD,
    check=check,
)
