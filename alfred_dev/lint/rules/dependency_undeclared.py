"""A dependency that is used but not declared."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common, _examples

# Mail and telemetry are sent when there is some: nobody waits for them to start.
LATER = re.compile(
    r"SMTP|MAIL|OTEL|OTLP|SENTRY|TRAC(E|ING)|ZIPKIN|JAEGER|LOKI|METRICS|LOGGING|SEQ_"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service, and the place where it says so."""
    used: dict[str, dict[str, Where]] = {}
    for service, reference, target in _common.internal(project):
        if reference.bundled or (reference.public and not reference.store):
            continue
        if LATER.search(reference.key.upper()):
            continue
        used.setdefault(service.name, {}).setdefault(target.name, reference.named)
    told: dict[tuple[tuple[str, Where], ...], list[str]] = {}
    for name, targets in used.items():
        service = project.services[name]
        missing = {t: w for t, w in targets.items() if not _declared(project, service, t)}
        if missing:
            told.setdefault(tuple(missing.items()), []).append(name)
    for lacking, names in told.items():
        yield _finding(names, dict(lacking))


def _declared(project: Project, service: Service, target: str) -> bool:
    """Whether one waits for the other, directly or not, or the other way round."""
    profiles = project.services[target].profiles
    if _linked(service, target) or (profiles and profiles != service.profiles):
        return True
    return _reaches(project, service.name, target) or _reaches(project, target, service.name)


def _linked(service: Service, target: str) -> bool:
    from alfred_dev.lint.build import texts

    links = {t.partition(":")[0] for t in texts(service.node.get("links"))}
    mode = service.network_mode or ""
    return target in links or mode == f"service:{target}"


def _reaches(project: Project, start: str, goal: str) -> bool:
    seen, todo = {start}, [start]
    while todo:
        here = project.services.get(todo.pop())
        for name in here.depends_on if here else ():
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return False


def _finding(names: list[str], missing: dict[str, Where]) -> Finding:
    """One line that several services share is one cause."""
    one = len(names) == 1
    return RULE.found(
        f"{_common.services(names)} {'uses' if one else 'use'} {_common.services(missing)} but "
        f"{'does' if one else 'do'} not depend on {'it' if len(missing) == 1 else 'them'}: "
        f"`up {names[0]}` starts it alone, and at the first start it may come too early",
        *missing.values(),
        service=names[0],
        fix=f"depends_on: [{', '.join(sorted(missing))}]",
    )


BAD = _examples.client("redis://cache:6379", declared=False)
GOOD = _examples.client("redis://cache:6379")
RULE = Rule(
    code="dependency-undeclared",
    title="A dependency that is used but not declared",
    severity=Severity.INFO,
    page="A URL names the other service, `depends_on` does not. Programs that try again survive "
    "it: so this is info. Not said where the other one depends on this one, or has a profile "
    "that this one has not.",
    bad=BAD,
    good=GOOD,
    check=check,
)
