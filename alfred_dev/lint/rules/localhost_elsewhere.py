"""localhost that means another container."""

import re
from collections.abc import Iterator
from dataclasses import replace

from alfred_dev.lint import listen, references
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.references import Reference
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _brokers, _common, _examples

OTHERWISE = re.compile(r"(^|_)(SELF|OWN|LOCAL|TEST|E2E)(_|$)|_HOST_PORT$|ALLOWED")
# Servers that browsers speak to: a localhost among their variables may be meant for those.
PAGES = re.compile(
    r"(^|[-_])(ui|web|webapp|frontend|front|client|www|site|dashboard|admin|console|studio|portal)([-_]|$)"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a variable, one an example file, one a broker."""
    proposed: dict[str, list[Wrong]] = {}
    for service in project.services.values():
        if service.network_mode:
            continue
        for wrong in _wrong(project, service, service):
            yield _finding(project, *wrong)
        copied = replace(service, environment=service.proposed, command=None, entrypoint=None)
        for wrong in _wrong(project, service, copied) if service.proposed else ():
            proposed.setdefault(wrong[1].where.file, []).append(wrong)
        misled = _brokers.misled(project, service)
        if misled is not None:
            yield _broker(misled)
    for file, found in proposed.items():
        yield _example(file, found)


Wrong = tuple[Service, Reference, Service]


def _wrong(project: Project, service: Service, said: Service) -> Iterator[Wrong]:
    """Yield what ``said`` calls localhost and means another container, with that container."""
    own = listen.of(service)
    for reference in references.of(project, said):
        if not references.local(reference.host) or reference.host == "0.0.0.0":
            continue
        if reference.key in ("command", "entrypoint") or OTHERWISE.search(reference.key.upper()):
            continue
        if reference.outside and not reference.store:
            continue
        meant = _meant(project, service, reference, own)
        if meant:
            yield service, reference, meant


def _example(file: str, found: list[Wrong]) -> Finding:
    """Whoever copies the example has all of it: one cause."""
    keys = dict.fromkeys(r.variable.name if r.variable else r.key for _, r, _ in found)
    who = _common.services(s.name for s, _, _ in found)
    meant = _common.services(m.name for _, _, m in found)
    return RULE.found(
        f"{', '.join(keys)} in {file} say localhost, which is the container of {who} itself, not "
        f"{meant}",
        *(r.named for _, r, _ in found),
        service=found[0][0].name,
        severity=Severity.WARNING,
        fix=f"name {meant}, or set them under environment:",
    )


def _broker(misled: _brokers.Misled) -> Finding:
    return RULE.found(
        f"{misled.broker.name} tells its clients to come back to localhost:{misled.port}, which is "
        f"the container of {_common.services(misled.clients)} itself",
        misled.where,
        service=misled.broker.name,
        severity=Severity.ERROR if misled.sure else Severity.WARNING,
        fix=f"a listener of its own for them: INSIDE://{misled.broker.name}:29092, and that "
        "address in the clients",
    )


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


def _finding(project: Project, service: Service, reference: Reference, meant: Service) -> Finding:
    port = reference.port or _usual(reference) or 0
    inside = next((p.target for p in meant.ports if p.published == port), port)
    unsure = not reference.store and PAGES.search(service.name) is not None
    old = f"{reference.host}:{port}"
    place = _common.written(project, reference, reference.host)
    edits = (Edit(where=place, old=old, new=f"{meant.name}:{inside}"),) if (
        old in reference.text and not unsure
    ) else ()  # fmt: skip
    return RULE.found(
        f"{reference.key} of {service.name} says {reference.host}:{port}, which is the "
        "container of "
        f"{service.name} itself, not {meant.name}",
        place,
        reference.where,
        service=service.name,
        severity=Severity.WARNING if unsure or place != reference.where else Severity.ERROR,
        fix=f"{meant.name}:{inside}" + (" (unless a browser reads it)" if unsure else ""),
        edits=edits,
    )


BAD = _examples.client("redis://localhost:6379")
GOOD = _examples.client("redis://cache:6379")
RULE = Rule(
    code="localhost-elsewhere",
    title="localhost that means another container",
    severity=Severity.ERROR,
    page="In a container, localhost is that container. The URL works when the program runs on the "
    "host, and is refused as soon as it runs in Compose. What an example file proposes is a "
    "warning. A Kafka broker that advertises localhost sends its clients there too. Variables that "
    "browsers read are not judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)
