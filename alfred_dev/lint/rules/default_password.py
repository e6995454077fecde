"""Passwords that everybody knows."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import images
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common

PASSWORD = ("PASSWORD", "PASS", "PASSWD")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a server."""
    for service in project.services.values():
        found = _weak(service)
        if found is None:
            continue
        where, how = found
        reached = [p for p in service.ports if p.everywhere and _port_of(service, p.target)]
        note = (
            f", and port {reached[0].published_text or reached[0].target} is open to every network"
            if reached
            else ""
        )
        yield RULE.found(
            f"{service.name} has a password that everybody knows{how}{note}",
            *where,
            service=service.name,
            severity=Severity.WARNING if reached else Severity.INFO,
            fix="write ${NAME:?}, with a random value in .env",
        )


def _port_of(service: Service, target: int) -> bool:
    image = _common.image_of(service)
    return image is None or not image.ports or target in image.ports


def _weak(service: Service) -> tuple[list[Where], str] | None:
    names = _names(service)
    found = [v for n in names if (v := service.environment.get(n)) and _common.weak(service, v)]
    if found:
        default = any(r.source == "default" for r in found[0].refs)
        return [v.where for v in found], " unless somebody sets another" if default else ""
    return _guest(service)


def _guest(service: Service) -> tuple[list[Where], str] | None:
    """RabbitMQ lets guest in with guest until somebody says otherwise."""
    image = _common.image_of(service)
    if image is None or image.kind != "rabbitmq" or service.env_files or service.configs:
        return None
    if any("PASS" in n or "USER" in n for n in service.environment):
        return None
    reached = [p.where for p in service.ports if p.everywhere and p.target in image.ports]
    return (reached, " (guest)") if reached else None


def _names(service: Service) -> tuple[str, ...]:
    image = images.known(service.image.value) if service.image else None
    if image and image.secret:
        return image.secret
    return tuple(n for n in service.environment if _server_secret(n))


def _server_secret(name: str) -> bool:
    """Whether a variable sets up who may come in, and is not one of a client."""
    upper = name.upper()
    client = re.search(r"MONGO|POSTGRES|MYSQL|REDIS|_DB_|DATABASE|RABBIT|SMTP", upper)
    return (
        upper.endswith(PASSWORD)
        and any(w in upper for w in ("ADMIN", "ROOT", "_WWW_USER_"))
        and not client
    )


BAD = """\
services:
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    ports: ['5432:5432']
    environment: {POSTGRES_PASSWORD: postgres}
"""
GOOD = """\
services:
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    ports: ['127.0.0.1:5432:5432']
    environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD:?}'}
"""
RULE = Rule(
    code="default-password",
    title="A password that everybody knows",
    severity=Severity.WARNING,
    page="`postgres`, `admin`, `changeme`, the user's own name. On loopback that is info; a "
    "warning "
    "when the port is open to every network. What an example proposes is not judged.",
    bad=BAD,
    good=GOOD,
    check=check,
)
