"""A URL whose port the target does not listen on."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import listen
from alfred_dev.lint.listen import Listening
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.references import Reference
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common, _examples

STANDARD = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a target and port, with everybody who asks there."""
    wrong: dict[tuple[str, int], list[tuple[Service, Reference]]] = {}
    known: dict[str, Listening] = {}
    for service, reference, target in _common.internal(project):
        port = reference.port or _implied(reference)
        if port is None or reference.bundled or reference.host == "localhost":
            continue
        there = known.setdefault(target.name, listen.of(target))
        if there.sure and not there.may(port):
            wrong.setdefault((target.name, port), []).append((service, reference))
    for (name, port), who in wrong.items():
        yield from _finding(project.services[name], port, known[name], who)


def _implied(reference: Reference) -> int | None:
    """An http URL without a port asks on 80."""
    if reference.scheme in ("http", "ws") and reference.variable and not reference.public:
        return STANDARD[reference.scheme] if f"{reference.host}:" not in reference.text else None
    return None


def _finding(
    target: Service, port: int, there: Listening, who: list[tuple[Service, Reference]]
) -> Iterator[Finding]:
    host = next((p for p in target.ports if p.published == port), None)
    severity = _severity(there, who, hosts=host is not None)
    right = host.target if host else min(there.sure) if len(there.sure) == 1 else None
    if severity is None:
        return
    listens = ", ".join(str(p) for p in sorted(there.sure)[:4])
    why = (
        f"{port} is its port on the host; inside of the network it is {host.target}"
        if host
        else f"it listens on {listens} ({there.how})"
    )
    keys = ", ".join(dict.fromkeys(f"{r.key} of {s.name}" for s, r in who))
    yield RULE.found(
        f"{keys}: port {port} of {target.name} answers nobody: {why}",
        *(r.where for _, r in who),
        service=who[0][0].name,
        severity=severity,
        fix=f"use port {right}" if right else f"use a port that {target.name} listens on",
        edits=tuple(_edits(who, port, right)),
    )


def _severity(
    there: Listening, who: list[tuple[Service, Reference]], *, hosts: bool
) -> Severity | None:
    if all(r.public for _, r in who):
        return None  # it may be how others reach it, by way of the host or a proxy
    if there.complete or hosts:
        return Severity.ERROR
    return Severity.WARNING


def _edits(who: list[tuple[Service, Reference]], port: int, right: int | None) -> Iterator[Edit]:
    for _, reference in who:
        where: Where = reference.where
        if right and reference.port and f":{port}" in reference.text:
            yield Edit(where=where, old=f"{reference.host}:{port}", new=f"{reference.host}:{right}")


PORTS = "    ports: ['127.0.0.1:6380:6379']\n"
BAD = _examples.client("redis://cache:6380", server=PORTS)
GOOD = _examples.client("redis://cache:6379", server=PORTS)
RULE = Rule(
    code="url-port",
    title="A URL with a port that its target does not listen on",
    severity=Severity.ERROR,
    page="Between containers the port is the one inside of the container, never the one that is "
    "published on the host. The connection is refused, or times out.",
    bad=BAD,
    good=GOOD,
    check=check,
)
