"""service_healthy on a service that has no health check."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a target, with everybody who waits for it."""
    waiting: dict[str, list[tuple[str, Where]]] = {}
    for service in project.services.values():
        for name, needed in service.depends_on.items():
            if needed.condition == "service_healthy" and name in project.services:
                waiting.setdefault(name, []).append((service.name, needed.where))
    for name, who in waiting.items():
        target = project.services[name]
        has = _common.healthcheck_of(project, target)
        if has is False or (has is None and not target.health):
            yield _finding(target, who, sure=has is False)


def _finding(target: Service, who: list[tuple[str, Where]], *, sure: bool) -> Finding:
    names = _common.services(name for name, _ in who)
    off = target.health is not None and target.health.disabled
    why = "has its health check switched off" if off else "has no health check"
    if not sure:
        why += " here, and its image is not known to have one"
    return RULE.found(
        f"{names} {'waits' if len({n for n, _ in who}) == 1 else 'wait'} for {target.name} to be "
        f"healthy, but {target.name} {why}",
        *(place for _, place in who),
        service=who[0][0],
        severity=Severity.ERROR if sure else Severity.WARNING,
        fix=f"give {target.name} a healthcheck, or wait with condition: service_started",
    )


BAD = """\
services:
  a:
    image: nginx:1.27
    depends_on:
      db: {condition: service_healthy}
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    environment: {POSTGRES_PASSWORD: '${PW:?}'}
"""
GOOD = """\
services:
  a:
    image: nginx:1.27
    depends_on:
      db: {condition: service_healthy}
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    environment: {POSTGRES_PASSWORD: '${PW:?}'}
    healthcheck: {test: [CMD, pg_isready, -U, postgres]}
"""
RULE = Rule(
    code="healthy-without-check",
    title="service_healthy on a service without a health check",
    severity=Severity.ERROR,
    page="Docker answers `container has no healthcheck configured`, and whoever waits never "
    "starts. "
    "A check may also stand in the image: where that is not known, this is a warning.",
    bad=BAD,
    good=GOOD,
    check=check,
)
