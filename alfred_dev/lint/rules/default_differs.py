"""One variable with several defaults."""

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
        if not secret and not _matters(defaults):
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


def _matters(defaults: set[str]) -> bool:
    """Levels, sizes and switches may well differ; an empty default beside another is a shield."""
    filled = [d for d in defaults if d]
    if len(filled) < 2:
        return False
    return not all(
        d.lower() in _LEVELS or d.replace(".", "").rstrip("kKmMgGsb").isdecimal() for d in filled
    )


_LEVELS = {
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "true",
    "false",
    "on",
    "off",
    "yes",
    "no",
    "0",
    "1",
}


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
