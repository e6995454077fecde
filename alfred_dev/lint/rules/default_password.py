"""Passwords that everybody knows."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import images
from alfred_dev.lint.model import Project, Service, Variable
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import HOLE

WEAK = {
    "postgres", "password", "passw0rd", "admin", "root", "secret", "test", "guest", "user",
    "changeme", "change_me", "changeit", "minioadmin", "minio", "redis", "mysql", "example",
    "12345", "123456", "12345678", "pass", "default", "dev", "letmein", "qwerty", "admin123",
    "minio123", "password123", "neo4j", "elastic", "mongo", "rabbitmq", "your_password",
    "yourpassword", "supersecret", "toor", "rootpassword", "root_password", "mypassword",
    "postgres123", "app", "rootpass", "minioadmin123",
}  # fmt: skip
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
    found = [v for n in names if (v := service.environment.get(n)) and _is_weak(service, v)]
    if found:
        default = any(r.source == "default" for r in found[0].refs)
        return [v.where for v in found], " unless somebody sets another" if default else ""
    return None


def _names(service: Service) -> tuple[str, ...]:
    image = images.known(service.image.value) if service.image else None
    if image and image.secret:
        return image.secret
    return tuple(n for n in service.environment if _server_secret(n))


def _server_secret(name: str) -> bool:
    """Whether a variable sets up who may come in, and is not one of a client."""
    upper = name.upper()
    return upper.endswith(PASSWORD) and ("ADMIN" in upper or "ROOT" in upper)


def _is_weak(service: Service, variable: Variable) -> bool:
    text = (variable.text or "").lower()
    if not text or HOLE in text or variable.origin == "env_file":
        return False
    if any(r.source == "example" for r in variable.refs):
        return False  # an example is to be changed by whoever copies it
    own = {service.name.lower(), *(v.value.lower() for v in service.environment.values()
           if v.name.endswith(("USER", "USERNAME", "_DB", "DATABASE")))}  # fmt: skip
    return text in WEAK or text in own or _common.PLACEHOLDER.search(text) is not None


BAD = """\
services:
  db:
    image: postgres:17
    ports: ['5432:5432']
    environment: {POSTGRES_PASSWORD: postgres}
"""
GOOD = """\
services:
  db:
    image: postgres:17
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
