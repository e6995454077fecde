"""One variable with several defaults."""

import re
from collections.abc import Iterator

from alfred_dev.lint import tree
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import HOLE, Ref

SECTIONS = ("services", "networks", "volumes", "secrets", "configs")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a variable."""
    for name, refs in sorted(uses(project).items()):
        fallen = [r for r in refs if r.operator in (":-", "-") and r.source == "default"]
        defaults = {r.default for r in fallen if HOLE not in r.default}
        if len(defaults) < 2:
            continue
        secret = _common.SECRET_KEY.search(name) is not None
        if not secret and not _matters(name, defaults):
            continue
        shown = "" if secret else ": " + ", ".join(sorted(map(tree.printable, defaults))[:4])
        common = max(sorted(defaults), key=[r.default for r in fallen].count)
        odd = [r.where for r in fallen if r.default != common]
        rest = [r.where for r in fallen if r.default == common]
        yield RULE.found(
            f"{name} has {len(defaults)} different defaults{shown}",
            *odd,
            *rest,
            severity=Severity.ERROR if secret and "" not in defaults else Severity.WARNING,
            fix="give it one default, or none and a line in .env.example",
        )


def _matters(name: str, defaults: set[str]) -> bool:
    """Levels, sizes and paths may well differ from place to place; addresses and names hardly."""
    return NAMES.search(name) is not None and len([d for d in defaults if d]) > 1


NAMES = re.compile(r"(_PORT|_HOST|_URL|_DB|_DATABASE|_USER|_USERNAME|_VERSION|_TAG|_DOMAIN)$")


def uses(project: Project) -> dict[str, list[Ref]]:
    """Return every use of every variable, each place once."""
    found: dict[str, list[Ref]] = {}
    for section in SECTIONS:
        for scalar in tree.scalars(project.root.get(section) if project.root else None):
            for ref in scalar.refs:
                listed = found.setdefault(ref.name, [])
                if ref not in listed[-200:]:
                    listed.append(ref)
    return found


BAD = """\
services:
  a:
    image: example/a:1
    environment: {DB_PASSWORD: '${DB_PASSWORD:-one}'}
  b:
    image: example/b:1
    environment: {DB_PASSWORD: '${DB_PASSWORD:-two}'}
"""
GOOD = """\
services:
  a:
    image: example/a:1
    environment: {DB_PASSWORD: '${DB_PASSWORD:-one}'}
  b:
    image: example/b:1
    environment: {DB_PASSWORD: '${DB_PASSWORD:-one}'}
"""
RULE = Rule(
    code="default-differs",
    title="One variable with several defaults",
    severity=Severity.WARNING,
    page="Without a value in `.env` each place takes its own default: for a password the "
    "places then "
    "disagree, an error.",
    bad=BAD,
    good=GOOD,
    check=check,
)
