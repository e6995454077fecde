"""A network, volume, secret or config that is used but not declared."""

from collections.abc import Iterator, Mapping

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Resource, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import HOLE, Map, Scalar, Seq, printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a name, with everywhere it is used."""
    for kind, declared, uses in _kinds(project):
        for name, found in sorted(_missing(uses, declared).items()):
            first = found[0][0]
            yield RULE.found(
                f"the {kind} {printable(name)} is used but not declared: Compose refuses the "
                "project",
                *(place for _, place in found),
                service=first,
                fix=(
                    f"declare it under the top-level {kind}s: (external: true when another "
                    "project makes it)"
                ),
            )


def _kinds(
    project: Project,
) -> Iterator[tuple[str, Mapping[str, Resource], list[tuple[str, str, Where]]]]:
    networks: list[tuple[str, str, Where]] = []
    volumes: list[tuple[str, str, Where]] = []
    for service in project.services.values():
        networks += [(service.name, n, w) for n, w in service.networks.items() if n != "default"]
        volumes += [
            (service.name, m.source, m.where)
            for m in service.mounts
            if m.kind == "volume" and m.source and HOLE not in m.source
        ]
    yield "network", project.networks, networks
    yield "volume", project.volumes, volumes
    yield "secret", project.secrets, _granted(project, "secrets")
    yield "config", project.configs, _granted(project, "configs")


def _granted(project: Project, key: str) -> list[tuple[str, str, Where]]:
    found = []
    for service in project.services.values():
        found += [(service.name, name, where) for name, where in _entries(service, key)]
    return found


def _entries(service: Service, key: str) -> Iterator[tuple[str, Where]]:
    node = service.node.get(key)
    for item in node.items if isinstance(node, Seq) else ():
        source = item.get("source") if isinstance(item, Map) else item
        if isinstance(source, Scalar) and HOLE not in source.text:
            yield source.value, source.where


def _missing(
    uses: list[tuple[str, str, Where]], declared: Mapping[str, Resource]
) -> dict[str, list[tuple[str, Where]]]:
    found: dict[str, list[tuple[str, Where]]] = {}
    for service, name, where in uses:
        if name not in declared:
            found.setdefault(name, []).append((service, where))
    return found


BAD = """\
services:
  a:
    image: nginx:1.27
    networks: [front]
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    networks: [front]
networks:
  front: {}
"""
RULE = Rule(
    code="undefined",
    title="A network, volume, secret or config that is not declared",
    severity=Severity.ERROR,
    page="Compose refuses the project: `refers to undefined network`. It happens when a snippet is "
    "used without the file that declares its resources.",
    bad=BAD,
    good=GOOD,
    check=check,
)
