"""A published port on a network that lets nobody in."""

from collections.abc import Iterator

from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service."""
    closed = {name for name, r in project.networks.items() if r.internal}
    for service in project.services.values():
        if service.ports and service.networks and set(service.networks) <= closed:
            places = [project.networks[n].where for n in service.networks]
            yield RULE.found(
                f"{service.name} publishes ports, but is only on "
                f"{_common.services(service.networks)}, "
                "which is internal: nobody reaches them",
                *(p.where for p in service.ports), *places,
                service=service.name, fix="put it on a second network, or take internal away",
            )  # fmt: skip


BAD = """\
services:
  a:
    image: nginx:1.27
    ports: ['127.0.0.1:8080:80']
    networks: [back]
networks:
  back: {internal: true}
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    ports: ['127.0.0.1:8080:80']
    networks: [back, front]
networks:
  back: {internal: true}
  front: {}
"""
RULE = Rule(
    code="internal-network",
    title="A published port on an internal network",
    severity=Severity.ERROR,
    page="`internal: true` cuts a network off from the host: ports that are published there "
    "are dead, "
    "and its services reach nothing outside.",
    bad=BAD,
    good=GOOD,
    check=check,
)
