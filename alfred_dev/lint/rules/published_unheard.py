"""A published port that nobody listens on."""

from collections.abc import Iterator

from alfred_dev.lint import listen
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.ports import Port
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import printable


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a port."""
    for service in project.services.values():
        if service.network_mode == "host":
            continue
        there = listen.of(service)
        for port in service.ports:
            if not there.complete or port.protocol == "udp" or there.may(port.target):
                continue
            if port.target in listen.DEBUG and len(service.ports) > 1:
                continue
            yield _finding(service, port, there)


def _finding(service: Service, port: Port, there: listen.Listening) -> Finding:
    listens = ", ".join(str(p) for p in sorted(there.sure)[:4])
    outside = port.published if port.published is not None else "a port"
    exposed = service.dockerfile is not None and there.how.startswith("EXPOSE")
    right = min(there.sure) if len(there.sure) == 1 else None
    return RULE.found(
        f"{printable(service.name)} publishes {outside} to {port.target} inside, where nobody "
        f"listens: it listens on {listens} ({there.how})",
        port.where,
        service=service.name,
        severity=Severity.WARNING if exposed else Severity.ERROR,
        fix=f"publish {outside}:{right}" if right else "publish a port it listens on",
    )


BAD = """\
services:
  a:
    image: prom/prometheus:v3.1.0
    ports: ['127.0.0.1:9090:9091']
"""
GOOD = """\
services:
  a:
    image: prom/prometheus:v3.1.0
    ports: ['127.0.0.1:9091:9090']
"""
RULE = Rule(
    code="published-unheard",
    title="A published port that nobody listens on",
    severity=Severity.ERROR,
    page="Docker accepts the connection on the host and then drops it: `connection reset by peer`. "
    "What the image, its command, PORT and EXPOSE say is compared with the right side of `ports`.",
    bad=BAD,
    good=GOOD,
    check=check,
)
