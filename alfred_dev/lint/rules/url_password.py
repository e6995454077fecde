"""A URL without the password that its server demands, or with one that breaks it."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import images
from alfred_dev.lint.model import Project, Service, Variable
from alfred_dev.lint.references import Reference
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common, _examples
from alfred_dev.lint.tree import HOLE

SECRET = re.compile(r"PASS|SECRET|AUTH|CREDENTIAL|PGPASSFILE|SERVICE_KEY", re.IGNORECASE)
RESERVED = re.compile(r"\w+://[^\s/@:]+:(?P<password>[^\s@]*[/#?@][^\s]*)@[\w.-]+(?::\d+|/)")

# What a variable's name says of whom its password is for.
WORDS = {
    "postgres": ("PG", "POSTGRES", "DB", "DATABASE"),
    "postgresql": ("PG", "POSTGRES", "DB", "DATABASE"),
    "redis": ("REDIS", "CACHE", "BROKER", "QUEUE"),
    "mysql": ("MYSQL", "DB", "DATABASE", "MARIADB"),
    "mongodb": ("MONGO", "DB", "DATABASE"),
}


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a server, with every URL that lacks its password."""
    bare: dict[str, list[tuple[Service, Reference]]] = {}
    for service, reference, target in _common.internal(project):
        if _lacks(service, reference, target):
            bare.setdefault(target.name, []).append((service, reference))
    for name, who in bare.items():
        yield _finding(project.services[name], who)
    yield from _broken(project)


def _lacks(service: Service, reference: Reference, target: Service) -> bool:
    kind = _kind(target)
    if kind not in ("redis", "postgres", "mysql", "mongo"):
        return False
    if not reference.store and not (kind == "redis" and _redis_pair(reference)):
        return False
    if any(use.path not in _read(service) for use in service.env_files):
        return False  # the password may stand there
    if reference.password or (kind == "redis" and reference.user):
        return False
    demanded = _common.secret_of(target)
    if demanded is None or not demanded[0]:
        return False
    trusted = target.environment.get("POSTGRES_HOST_AUTH_METHOD")
    if trusted and trusted.value == "trust":
        return False
    if reference.password == "" and reference.variable and HOLE in reference.text:  # noqa: S105 - not a password
        return False
    return not _given_apart(service, reference)


def _redis_pair(reference: Reference) -> bool:
    """REDIS_HOST beside REDIS_PORT: the address of a client in two variables."""
    return reference.scheme is None and "REDIS" in reference.key.upper()


def _read(service: Service) -> set[str]:
    """Return the env files that were there to be read."""
    return {v.where.file for v in service.environment.values() if v.origin == "env_file"}


def _kind(target: Service) -> str | None:
    return images.kind(target.image.value) if target.image and not target.build else None


def _given_apart(service: Service, reference: Reference) -> bool:
    """Whether the service has a password in another variable, or in its URL's query."""
    if "password=" in reference.text or HOLE in (reference.user or ""):
        return True
    return any(
        SECRET.search(v.name) and (v.text is None or v.text != "")
        for v in service.environment.values()
        if v.name != reference.key and _speaks_of(v, reference)
    )


def _speaks_of(variable: Variable, reference: Reference) -> bool:
    """REDIS_PASSWORD may belong to a redis URL; a JWT_SECRET hardly."""
    kind = (reference.scheme or "").lower().split("+")[0]
    name = variable.name.upper()
    head = reference.key.upper().split("_")[0]
    return any(w in name for w in WORDS.get(kind, ())) or head in name


def _finding(target: Service, who: list[tuple[Service, Reference]]) -> Finding:
    keys = ", ".join(dict.fromkeys(f"{r.key} of {s.name}" for s, r in who))
    demanded = _common.secret_of(target)
    places: list[Where] = [r.where for _, r in who]
    if demanded:
        places.append(demanded[1])
    sure = any(r.scheme is not None for _, r in who)
    return RULE.found(
        f"{keys}: no password, but {target.name} demands one",
        *places,
        service=who[0][0].name,
        # Beside an address alone, the password may be a default of the program.
        severity=Severity.ERROR if sure else Severity.WARNING,
        fix=f"put the password of {target.name} into the URL, from the same variable"
        if sure
        else f"give it the password of {target.name}, from the same variable",
    )


def _broken(project: Project) -> Iterator[Finding]:
    """Passwords whose own characters end the URL too early."""
    for service in project.services.values():
        for variable in service.environment.values():
            found = RESERVED.match((variable.text or "")[:2000])
            if found and HOLE not in found["password"] and "," not in (variable.text or ""):
                yield RULE.found(
                    f"{variable.name} of {service.name}: the password has / # ? or @ in it, which "
                    "end it too early",
                    variable.where,
                    service=service.name,
                    fix="write them as %2F %23 %3F %40, or choose another password",
                )


COMMAND = "    command: redis-server --requirepass ${PW:?}\n"
BAD = _examples.client("redis://cache:6379", server=COMMAND)
GOOD = _examples.client("redis://:${PW:?}@cache:6379", server=COMMAND)
RULE = Rule(
    code="url-password",
    title="A URL without the password that its server demands",
    severity=Severity.ERROR,
    page="Redis answers NOAUTH, Postgres `no password supplied`. A password in another variable of "
    "the service counts as given. A password with / # ? or @ must be written with percent signs.",
    bad=BAD,
    good=GOOD,
    check=check,
)
