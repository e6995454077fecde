"""A port outside of the platform's map."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.ports import Port
from alfred_dev.lint.rule import Context, Finding, Rule, Severity

# So many services of the platform's own names make a project one of the platform.
ENOUGH = 3
GENERIC = {"redis", "postgres", "qdrant", "prometheus", "grafana", "mailhog", "mailpit", "pubsub"}


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service that is not where the map says, one a port that is in no range."""
    ours = [n for n in project.services if n in context.ports and n not in GENERIC]
    if len(ours) < ENOUGH:
        return
    for service in project.services.values():
        wanted = context.ports.get(service.name)
        for port in service.ports:
            if port.published is None:
                continue
            if wanted and port.published not in wanted and _main(service, wanted):
                yield _moved(service, port, wanted)
                break
            if not wanted and not _in_range(port.published, context):
                yield _outside(service, port, context)


def _main(service: Service, wanted: frozenset[int]) -> bool:
    """Whether none of its ports is where it belongs: further ones are its own business."""
    return not any(p.published in wanted for p in service.ports)


def _in_range(port: int, context: Context) -> bool:
    known = {p for ports in context.ports.values() for p in ports}
    return port in known or any(first <= port <= last for _, first, last in context.ranges)


def _moved(service: Service, port: Port, wanted: frozenset[int]) -> Finding:
    listed = " or ".join(str(p) for p in sorted(wanted))
    return RULE.found(
        f"{service.name} is published on {port.published}; the platform's port map says {listed}",
        port.where,
        service=service.name,
        severity=Severity.INFO,
        fix=f"publish it on {listed}",
    )


def _outside(service: Service, port: Port, context: Context) -> Finding:
    ranges = ", ".join(f"{name} {first}-{last}" for name, first, last in context.ranges)
    return RULE.found(
        f"{service.name} is published on {port.published}, outside of the platform's ranges "
        f"({ranges})",
        port.where,
        service=service.name,
        severity=Severity.INFO,
        fix="take a port of its range",
    )


BAD = """\
services:
  agent-core:
    image: example/a:1
    ports: ['127.0.0.1:9999:8011']
  agent-rag: {image: 'example/a:1'}
  model-router: {image: 'example/a:1'}
"""
GOOD = """\
services:
  agent-core:
    image: example/a:1
    ports: ['127.0.0.1:8011:8011']
  agent-rag: {image: 'example/a:1'}
  model-router: {image: 'example/a:1'}
"""
RULE = Rule(
    code="port-map",
    title="A port outside of the platform's map",
    severity=Severity.INFO,
    page="Only for projects with at least three services of the platform: those belong where the "
    "port map says, others into its ranges.",
    bad=BAD,
    good=GOOD,
    check=check,
)
