"""A container name that two containers want."""

from collections.abc import Iterator, Sequence

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import HOLE, Map, Scalar, printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a name."""
    names: dict[str, list[tuple[Service, Where]]] = {}
    for service in project.services.values():
        found = service.node.get("container_name")
        if isinstance(found, Scalar) and found.value and HOLE not in found.text:
            names.setdefault(found.value, []).append((service, found.where))
            copies = _copies(service)
            if copies:
                yield RULE.found(
                    f"{service.name} is to run {copies} times, but container_name allows one",
                    found.where,
                    service=service.name,
                    fix="remove container_name",
                )
    for name, who in names.items():
        clash = [w for w in who[1:] if not _common.alternatives(who[0][0], w[0])]
        if clash:
            yield _finding(name, [who[0], *clash])


def across(projects: Sequence[Project], context: Context) -> Iterator[Finding]:
    """One finding a name that two projects on one network claim."""
    from alfred_dev.lint.rules.host_port_twice import _run_together

    for index, one in enumerate(projects):
        own = {
            s.text("container_name"): s for s in one.services.values() if s.text("container_name")
        }
        for other in projects[index + 1 :]:
            if not _run_together(one, other):
                continue
            for service in other.services.values():
                name = service.text("container_name")
                if name in own and name:
                    yield _finding(
                        name,
                        [(s, s.at("container_name")) for s in (own[name], service)],
                    )


def _copies(service: Service) -> int:
    deploy = service.node.get("deploy")
    node = deploy.get("replicas") if isinstance(deploy, Map) else service.node.get("scale")
    text = node.value if isinstance(node, Scalar) else ""
    return int(text) if text.isdecimal() and int(text[:6]) > 1 else 0


def _finding(name: str, who: list[tuple[Service, Where]]) -> Finding:
    names = " and ".join(s.name for s, _ in who)
    profiled = any(s.profiles for s, _ in who)
    return RULE.found(
        f"{names} both want the container name {printable(name)}: the second will not start",
        *(place for _, place in reversed(who)),
        service=who[-1][0].name,
        severity=Severity.WARNING if profiled else Severity.ERROR,
        fix="give each its own, or remove container_name",
    )


BAD = """\
services:
  a:
    image: nginx:1.27
    container_name: web
  b:
    image: nginx:1.27
    container_name: web
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    container_name: web
  b:
    image: nginx:1.27
"""
RULE = Rule(
    code="container-name-twice",
    title="A container name that two containers want",
    severity=Severity.ERROR,
    page="Names are the engine's, not the project's: `Conflict. The container name is already in "
    "use`. A service with several replicas cannot have one.",
    bad=BAD,
    good=GOOD,
    check=check,
    across=across,
)
