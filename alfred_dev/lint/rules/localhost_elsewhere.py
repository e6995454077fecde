"""localhost that means another container."""

import re
from collections.abc import Iterator

from alfred_dev.lint import listen, references
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.references import Reference
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity

OTHERWISE = re.compile(r"(^|_)(SELF|OWN|LOCAL|TEST|E2E)(_|$)|_HOST_PORT$|ALLOWED")
# Servers that browsers speak to: a localhost among their variables may be meant for those.
PAGES = re.compile(
    r"(^|[-_])(ui|web|webapp|frontend|front|client|www|site|dashboard|admin|console|studio|portal)([-_]|$)"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a variable."""
    for service in project.services.values():
        if service.network_mode:
            continue
        own = listen.of(service)
        for reference in references.of(project, service):
            if not references.local(reference.host) or reference.host == "0.0.0.0":
                continue
            if reference.key in ("command", "entrypoint") or OTHERWISE.search(
                reference.key.upper()
            ):
                continue
            if reference.outside and not reference.store:
                continue
            meant = _meant(project, service, reference, own)
            if meant:
                yield _finding(service, reference, meant)


def _meant(
    project: Project, service: Service, reference: Reference, own: listen.Listening
) -> Service | None:
    """Return who else is there under that port, unless the service itself may be."""
    port = reference.port or _usual(reference)
    if port is None or own.may(port) or port in {p.published for p in service.ports}:
        return None
    others = [s for s in project.services.values() if s.name != service.name]
    for other in others:
        if port in {p.published for p in other.ports}:
            return other
    return next((o for o in others if listen.of(o).sure and port in listen.of(o).sure), None)


def _usual(reference: Reference) -> int | None:
    usual = {"postgres": 5432, "postgresql": 5432, "redis": 6379, "mysql": 3306, "mongodb": 27017,
             "amqp": 5672}  # fmt: skip
    return usual.get((reference.scheme or "").split("+")[0])


def _finding(service: Service, reference: Reference, meant: Service) -> Finding:
    port = reference.port or _usual(reference) or 0
    inside = next((p.target for p in meant.ports if p.published == port), port)
    unsure = not reference.store and PAGES.search(service.name) is not None
    old = f"{reference.host}:{port}"
    edits = (Edit(where=reference.where, old=old, new=f"{meant.name}:{inside}"),) if (
        old in reference.text and not unsure
    ) else ()  # fmt: skip
    return RULE.found(
        f"{reference.key} of {service.name} says {reference.host}:{port}, which is the "
        "container of "
        f"{service.name} itself, not {meant.name}",
        reference.where,
        service=service.name,
        severity=Severity.WARNING if unsure else Severity.ERROR,
        fix=f"{meant.name}:{inside}" + (" (unless a browser reads it)" if unsure else ""),
        edits=edits,
    )


BAD = """\
services:
  a:
    image: example/a:1
    depends_on: [cache]
    environment: {REDIS_URL: 'redis://localhost:6379'}
  cache:
    image: redis:7.4
"""
GOOD = """\
services:
  a:
    image: example/a:1
    depends_on: [cache]
    environment: {REDIS_URL: 'redis://cache:6379'}
  cache:
    image: redis:7.4
"""
RULE = Rule(
    code="localhost-elsewhere",
    title="localhost that means another container",
    severity=Severity.ERROR,
    page="In a container, localhost is that container. The URL works when the program runs on the "
    "host, and is refused as soon as it runs in Compose. Variables that browsers read are not "
    "judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)
