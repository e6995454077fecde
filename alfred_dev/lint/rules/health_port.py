"""A health check that asks on a port where nobody listens."""

import re
from collections.abc import Iterator

from alfred_dev.lint import listen
from alfred_dev.lint.listen import Listening
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity

OWN = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|{names})"
URL = r"(?:https?://)?{own}[:/ ](?P<port>\d{{2,5}})\b"


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a check."""
    for service in project.services.values():
        health = service.health
        if health is None or health.disabled:
            continue
        for port in asked(service, health.text):
            there = listen.of(service)
            if not there.may(port):
                yield from _finding(service, port, there)
                break


def asked(service: Service, text: str) -> list[int]:
    """Return the ports of its own container that a check asks on."""
    names = "|".join(re.escape(n) for n in sorted(service.names))
    pattern = re.compile(URL.format(own=OWN.format(names=names)))
    return [int(m["port"]) for m in pattern.finditer(text[:2000]) if int(m["port"]) <= 65535]


def _finding(service: Service, port: int, there: Listening) -> Iterator[Finding]:
    health = service.health
    if health is None or not there.sure:
        return
    host = next((p for p in service.ports if p.published == port and p.target != port), None)
    right = host.target if host else min(there.sure) if len(there.sure) == 1 else None
    ports = ", ".join(str(p) for p in sorted(there.sure)[:4])
    why = f"{port} is its port on the host" if host else f"it listens on {ports} ({there.how})"
    severity = Severity.ERROR if there.complete or host else Severity.WARNING
    edits = (Edit(where=health.place, old=f":{port}", new=f":{right}"),) if right else ()
    yield RULE.found(
        f"the health check of {service.name} asks on port {port}, but {why}",
        health.place,
        service=service.name,
        severity=severity,
        fix=f"ask on {right}" if right else "ask on a port it listens on",
        edits=edits,
    )


BAD = """\
services:
  a:
    image: grafana/grafana:11.4.0
    ports: ['127.0.0.1:3005:3000']
    healthcheck: {test: [CMD-SHELL, 'wget -qO- http://localhost:3005/api/health || exit 1']}
"""
GOOD = """\
services:
  a:
    image: grafana/grafana:11.4.0
    ports: ['127.0.0.1:3005:3000']
    healthcheck: {test: [CMD-SHELL, 'wget -qO- http://localhost:3000/api/health || exit 1']}
"""
RULE = Rule(
    code="health-port",
    title="A health check on the wrong port",
    severity=Severity.ERROR,
    page="The check runs inside of the container, so the port on the left of `ports` does not "
    "exist "
    "for it.",
    bad=BAD,
    good=GOOD,
    check=check,
)
