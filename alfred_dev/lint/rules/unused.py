"""A network, volume, secret or config that is declared but that nobody uses."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.rules.undefined import _kinds
from alfred_dev.lint.tree import Map


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a kind."""
    for kind, declared, uses in _kinds(project):
        used = {name for _, name, _ in uses} | {"default"} | _elsewhere(project, kind)
        left = [r for name, r in declared.items() if name not in used and not r.external]
        if left:
            yield RULE.found(
                f"nobody uses the {kind}{'s' if len(left) > 1 else ''} "
                f"{_common.services(r.name for r in left)}",
                *(r.where for r in left),
                fix=(
                    f"take it out, or use it (./{left[0].name} is a folder, {left[0].name} the "
                    "volume)"
                )
                if kind == "volume"
                else "take it out, or use it",
            )


def _elsewhere(project: Project, kind: str) -> set[str]:
    """Names that builds use: their secrets."""
    found: set[str] = set()
    for service in project.services.values():
        build = service.node.get("build")
        node = build.get(f"{kind}s") if isinstance(build, Map) else None
        from alfred_dev.lint.tree import scalars

        found |= {s.value for s in scalars(node)}
    return found


BAD = """\
services:
  a:
    image: nginx:1.27
volumes:
  data: {}
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    volumes: ['data:/data']
volumes:
  data: {}
"""
RULE = Rule(
    code="unused",
    title="A network, volume, secret or config that nobody uses",
    severity=Severity.INFO,
    page="A leftover, or a slip: `./data` is a folder of the project, `data` the volume.",
    bad=BAD,
    good=GOOD,
    check=check,
)
