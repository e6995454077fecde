"""A dependency that is used but not declared."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

# Mail and telemetry are sent when there is some: nobody waits for them to start.
LATER = re.compile(
    r"SMTP|MAIL|OTEL|OTLP|SENTRY|TRAC(E|ING)|ZIPKIN|JAEGER|LOKI|METRICS|LOGGING|SEQ_"
)


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service."""
    used: dict[str, dict[str, Where]] = {}
    for service, reference, target in _common.internal(project):
        if reference.bundled or (reference.public and not reference.store):
            continue
        if LATER.search(reference.key.upper()):
            continue
        used.setdefault(service.name, {}).setdefault(target.name, reference.named)
    for name, targets in used.items():
        service = project.services[name]
        missing = {t: w for t, w in targets.items() if not _declared(project, service, t)}
        if missing:
            yield _finding(service, missing)


def _declared(project: Project, service: Service, target: str) -> bool:
    """Whether one waits for the other, directly or not, or the other way round."""
    if _linked(service, target) or project.services[target].profiles != service.profiles:
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


def _finding(service: Service, missing: dict[str, Where]) -> Finding:
    return RULE.found(
        f"{service.name} uses {_common.services(missing)} but does not depend on "
        f"{'it' if len(missing) == 1 else 'them'}: `up {service.name}` starts it alone, and at the "
        "first start it may come too early",
        *missing.values(),
        service=service.name,
        fix=f"depends_on: [{', '.join(sorted(missing))}]",
    )


BAD = """\
services:
  a:
    image: example/a:1
    environment: {REDIS_URL: 'redis://cache:6379'}
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
    code="dependency-undeclared",
    title="A dependency that is used but not declared",
    severity=Severity.INFO,
    page="A URL names the other service, `depends_on` does not. Programs that try again survive "
    "it: so this is info. Not said where the other one depends on this one, or has another "
    "profile.",
    bad=BAD,
    good=GOOD,
    check=check,
)
