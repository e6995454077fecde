"""One port of the host for two services."""

from collections.abc import Iterator, Sequence

from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.ports import Port
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

Use = tuple[Project, Service, Port]


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a port."""
    uses: dict[tuple[int, str], list[Use]] = {}
    for service in project.services.values():
        if service.network_mode == "host":
            continue
        for port in service.ports:
            if port.published is not None:
                uses.setdefault((port.published, port.protocol), []).append(
                    (project, service, port)
                )
    for (number, _), who in sorted(uses.items()):
        clash = _clash(who)
        if clash:
            yield _finding(number, clash)


def across(projects: Sequence[Project], context: Context) -> Iterator[Finding]:
    """One finding a port that two projects on one network claim."""
    for index, one in enumerate(projects):
        for other in projects[index + 1 :]:
            if not _run_together(one, other):
                continue
            for number, who in sorted(_claims(one, other).items()):
                clash = _clash(who)
                if clash:
                    yield _finding(number, clash)


def _claims(*projects: Project) -> dict[int, list[Use]]:
    found: dict[int, list[Use]] = {}
    for project in projects:
        for service in project.services.values():
            for port in service.ports:
                if port.published is not None:
                    found.setdefault(port.published, []).append((project, service, port))
    return {n: who for n, who in found.items() if len({id(p) for p, _, _ in who}) > 1}


def _run_together(one: Project, other: Project) -> bool:
    """Two projects run together when they meet on a network that one of them has from elsewhere."""
    if set(one.files) & set(other.files) or one.services.keys() & other.services.keys():
        return False  # variants of one project: nobody starts both
    outer = _networks(one, external=True) | _networks(other, external=True)
    return bool(outer & _networks(one) & _networks(other))


def _networks(project: Project, *, external: bool = False) -> set[str]:
    return {
        r.real_name or (name if r.external else f"{project.name}_{name}")
        for name, r in project.networks.items()
        if r.external or not external
    }


def _clash(who: list[Use]) -> list[Use]:
    """Return those that really want the same address."""
    for index, (_, one, port) in enumerate(who):
        rest = [
            use for use in who[index + 1 :]
            if (use[1] is not one or use[2].target != port.target)
            and _same(port, use[2]) and not _common.alternatives(one, use[1])
        ]  # fmt: skip
        if rest:
            return [who[index], *rest]
    return []


def _same(one: Port, other: Port) -> bool:
    return one.host_ip == other.host_ip or one.everywhere or other.everywhere


def _finding(number: int, who: list[Use]) -> Finding:
    names = " and ".join(dict.fromkeys(s.name for _, s, _ in who))
    behind = sorted({p for _, s, _ in who for p in s.profiles})
    note = f", once profile {' and '.join(behind)} is on" if behind else ""
    severity = Severity.WARNING if behind else Severity.ERROR
    places = [port.where for _, _, port in who]
    return RULE.found(
        f"port {number} of the host is wanted by {names}{note}: the second will not start",
        *reversed(places),
        service=who[-1][1].name,
        severity=severity,
        fix="give one of them another port on the left of ports",
    )


BAD = """\
services:
  a:
    image: nginx:1.27
    ports: ['127.0.0.1:8080:80']
  b:
    image: nginx:1.27
    ports: ['127.0.0.1:8080:80']
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    ports: ['127.0.0.1:8080:80']
  b:
    image: nginx:1.27
    ports: ['127.0.0.1:8081:80']
"""
RULE = Rule(
    code="host-port-twice",
    title="A port of the host that two services want",
    severity=Severity.ERROR,
    page="Only one can have it: `port is already allocated`. Services behind profiles clash "
    "only when "
    "their profile is on: a warning; the same image behind different profiles is a choice. "
    "Projects that share a network are looked at together.",
    bad=BAD,
    good=GOOD,
    check=check,
    across=across,
)
