"""A mount or port of which nothing is left when a variable is not set."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import HOLE, Scalar, Seq


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a variable, with every place."""
    found: dict[str, list[tuple[str, Scalar]]] = {}
    for service in project.services.values():
        for key in ("volumes", "ports"):
            listed = service.node.get(key)
            for item in listed.items if isinstance(listed, Seq) else ():
                name = _open(item) if isinstance(item, Scalar) else None
                if name and not (project.example and name in project.example.values):
                    found.setdefault(name, []).append((service.name, item))  # type: ignore[arg-type] # a Scalar, see above
    for name, uses in found.items():
        yield RULE.found(
            f"{', '.join(dict.fromkeys(s for s, _ in uses))}: without {name} nothing stands "
            "before the colon: Compose "
            "refuses the project",
            *(item.where for _, item in uses),
            service=uses[0][0],
            fix="give it a default: ${" + name + ":-...}",
        )


def _open(item: Scalar) -> str | None:
    """Return the variable that leaves a part empty."""
    if HOLE not in item.text or any(part == "" for part in item.text.split(":")):
        return None
    if any(part.partition("/")[0] == HOLE for part in item.text.split(":")[:2]):
        return next((r.name for r in item.refs if r.source == "unset"), None)
    return None


BAD = """\
services:
  a:
    image: nginx:1.27
    volumes: ['${CONFIGURATION}:/etc/nginx/conf.d']
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    volumes: ['${CONFIGURATION:-./conf}:/etc/nginx/conf.d']
"""
RULE = Rule(
    code="value-empty",
    title="A mount or port of which nothing is left when a variable is not set",
    severity=Severity.ERROR,
    page=(
        "`${DIR}:/data` without DIR is `:/data`, `${PORT}:${PORT}` is `:`: the project does "
        "not load."
    ),
    bad=BAD,
    good=GOOD,
    check=check,
)
