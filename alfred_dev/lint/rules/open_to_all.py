"""Ports that are open to every network."""

from collections.abc import Iterator

from alfred_dev.lint import images
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.ports import Port
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common, auth_off

# Servers that are there to be reached from outside.
FRONT = ("nginx", "httpd", "traefik", "caddy")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding for stores, one for all others."""
    stores: list[tuple[Service, Port]] = []
    others: list[tuple[Service, Port]] = []
    for service in project.services.values():
        for port in service.ports:
            if port.everywhere and not _front(service) and not auth_off.open_store(service):
                (stores if _store(service) else others).append((service, port))
    if stores:
        yield _finding(stores, Severity.WARNING, "databases, caches or queues")
    if others:
        yield _finding(others, Severity.INFO, "services")


def _front(service: Service) -> bool:
    return images.kind(service.image.value if service.image else None) in FRONT


def _store(service: Service) -> bool:
    image = _common.image_of(service)
    return image is not None and image.store


def _finding(found: list[tuple[Service, Port]], severity: Severity, what: str) -> Finding:
    names = _common.services(s.name for s, _ in found)
    return RULE.found(
        f"{what} open to every network, past a firewall like ufw: {names}",
        *(p.where for _, p in found),
        service=found[0][0].name,
        severity=severity,
        fix="127.0.0.1: before the port, unless other machines are to reach it",
        # That nobody else is to reach a store can be taken for granted; of a page it cannot.
        edits=tuple(_edits(found)) if severity is Severity.WARNING else (),
    )


def _edits(found: list[tuple[Service, Port]]) -> Iterator[Edit]:
    for _, port in found:
        if port.published is not None and port.host_ip == "" and not port.loose:
            old = f"{port.published}:{port.target}"
            yield Edit(where=port.where, old=old, new=f"127.0.0.1:{old}")


BAD = """\
services:
  cache:
    image: redis:7.4
    command: redis-server --requirepass ${PW:?}
    ports: ['6379:6379']
"""
GOOD = """\
services:
  cache:
    image: redis:7.4
    command: redis-server --requirepass ${PW:?}
    ports: ['127.0.0.1:6379:6379']
"""
RULE = Rule(
    code="open-to-all",
    title="Ports on all interfaces",
    severity=Severity.WARNING,
    page="`6379:6379` listens on every address of the machine, and Docker's rules come before the "
    "firewall's. For stores that is a warning, for others info; one finding for the project. "
    "What is "
    "a web server's or proxy's purpose is not judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)
