"""A host name that no service has."""

import re
from collections.abc import Iterator

from alfred_dev.lint import references
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.references import Reference
from alfred_dev.lint.rule import Context, Edit, Finding, Rule, Severity
from alfred_dev.lint.rules import _common, _examples
from alfred_dev.lint.tree import HOLE, Map, printable

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,62}\Z")
# Names that every machine knows, and words that stand for "fill this in".
KNOWN = re.compile(
    r"localhost|host|gateway|server|hostname|your.*|my.*|example.*|domain.*|user.*|placeholder|"
    r"changeme|default|none|null|true|false|memory|file|tmp|app|unix|any",
    re.IGNORECASE,
)
SCHEMES = ("http", "https", "ws", "wss", "grpc", *references.STORES)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a name, with everywhere it is used."""
    unknown: dict[str, list[tuple[Service, Reference]]] = {}
    for service in project.services.values():
        if service.network_mode == "host" or service.name in _apart(service):
            continue
        for reference in references.of(project, service):
            if _means_nobody(project, service, reference):
                unknown.setdefault(reference.host, []).append((service, reference))
    names = sorted({n for s in project.services.values() for n in s.names})
    for host, who in unknown.items():
        if all(_outer(project, service) for service, _ in who):
            continue  # another project on that network may have it
        yield _finding(names, host, who)


def _apart(service: Service) -> set[str]:
    return (
        {service.name}
        if (service.network_mode or "").startswith(("service:", "container:"))
        else set()
    )


def _means_nobody(project: Project, service: Service, reference: Reference) -> bool:
    host = reference.host
    if HOLE in host or not NAME.match(host) or KNOWN.fullmatch(host) or reference.bundled:
        return False
    if reference.scheme is None or reference.scheme.lower().split("+")[0] not in SCHEMES:
        return False
    if reference.outside and not reference.store:
        return False
    if any(r.source == "example" for r in reference.variable.refs) if reference.variable else False:
        return False
    if reference.variable and reference.variable.origin == "image":
        return False
    return not project.named(host) and host not in _extra(service)


def _extra(service: Service) -> set[str]:
    """Names that a service has of its own: extra_hosts, links with another name."""
    found: set[str] = set()
    hosts = service.node.get("extra_hosts")
    if isinstance(hosts, Map):
        found |= set(hosts.items)
    for key in ("links", "external_links"):
        found |= {t.rpartition(":")[2] for t in _texts(service, key)}
    return found


def _texts(service: Service, key: str) -> list[str]:
    from alfred_dev.lint.build import texts

    return texts(service.node.get(key))


def _outer(project: Project, service: Service) -> bool:
    return any(n in project.networks and project.networks[n].external for n in service.networks)


def _finding(names: list[str], host: str, who: list[tuple[Service, Reference]]) -> Finding:
    near = _common.near(host, names, 0.75)
    keys = ", ".join(dict.fromkeys(f"{r.key} of {s.name}" for s, r in who))
    edits = tuple(
        Edit(where=r.where, old=f"{host}", new=near) for _, r in who if near and host in r.text
    )
    return RULE.found(
        f"{keys}: no service is called {printable(host)}",
        *(r.where for _, r in who),
        service=who[0][0].name,
        severity=Severity.ERROR if near or who[0][1].store else Severity.WARNING,
        fix=f"did you mean {near}?" if near else f"name one of {_common.services(names[:8])}",
        edits=edits,
    )


BAD = _examples.client("redis://cahce:6379")
GOOD = _examples.client("redis://cache:6379")
RULE = Rule(
    code="unknown-host",
    title="A host name that no service has",
    severity=Severity.ERROR,
    page="Containers find each other by service name, container name or network alias. Any other "
    "short name does not resolve. Names on networks of other projects are not judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)
