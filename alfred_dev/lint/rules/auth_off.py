"""A store or secret that is open: by an empty variable, by a switch, or by default."""

from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import HOLE

SWITCHES = {
    "POSTGRES_HOST_AUTH_METHOD": ("trust",), "ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"),
    "MYSQL_ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"),
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": ("yes", "true", "1"),
    "MARIADB_ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"), "DISABLE_SECURITY_PLUGIN": ("true",),
    "plugins.security.disabled": ("true",), "xpack.security.enabled": ("false",),
    "PGADMIN_CONFIG_SERVER_MODE": ("false",),
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": ("true",),
    "NACOS_AUTH_ENABLE": ("false",), "NEO4J_AUTH": ("none",),
    "GF_AUTH_ANONYMOUS_ENABLED": ("true",),
}  # fmt: skip
# Pages that anybody may read, not change: a choice that many make on purpose.
READ_ONLY = "GF_AUTH_ANONYMOUS_ENABLED"
# Open from the first start, if nobody says otherwise.
OPEN = {"redis", "mongo", "memcached", "elasticsearch", "qdrant", "chroma", "weaviate", "couchdb",
        "memgraph"}  # fmt: skip
OWN_SECRETS = ("JWT_SECRET", "SECRET_KEY", "SESSION_SECRET", "SECRET_KEY_BASE", "DJANGO_SECRET_KEY",
               "APP_SECRET", "NEXTAUTH_SECRET", "ADMIN_PASSWORD", "ENCRYPTION_KEY")  # fmt: skip


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service."""
    for service in project.services.values():
        found = _empty(service) or _switched(service) or open_store(service)
        if found:
            reached = [p for p in service.ports if p.everywhere]
            why, where, severity, fix = found
            if reached and severity is not Severity.ERROR:
                why += (
                    f"; port {reached[0].published_text or reached[0].target} is open to "
                    "every network"
                )
                severity = Severity.ERROR if severity is Severity.WARNING else Severity.WARNING
            yield RULE.found(
                f"{service.name} {why}", where, *(p.where for p in reached),
                service=service.name, severity=severity, fix=fix,
            )  # fmt: skip


Open = tuple[str, Where, Severity, str]


def _empty(service: Service) -> Open | None:
    image = _common.image_of(service)
    if image and image.kind == "redis":
        demanded = _common.redis_password(service)
        if demanded and demanded[0].replace(HOLE, "") == "":
            ref = _common.ref_at(service, demanded[1])
            if ref is not None and ref.source in ("unset", "default"):
                return (f"has no password when {ref.name} is empty: requirepass \"\" lets "
                        "everybody in",
                        demanded[1], Severity.ERROR, "write ${" + ref.name + ":?}")  # fmt: skip
    for name, variable in service.environment.items():
        if not (name in OWN_SECRETS or name.endswith("_JWT_SECRET")):
            continue
        if variable.text == "" and any(r.source == "default" for r in variable.refs):
            return (f"runs with an empty {name} when nobody sets "
                    "it", variable.where, Severity.WARNING,
                    "write ${" + variable.refs[0].name + ":?}")  # fmt: skip
    return None


def _switched(service: Service) -> Open | None:
    for name, values in SWITCHES.items():
        variable = service.environment.get(name)
        if variable and variable.value.lower() in values:
            return (f"asks nobody for a password: {name} is {variable.value}", variable.where,
                    _switch_severity(service, name),
                    "set a password")  # fmt: skip
    return None


def _switch_severity(service: Service, switch: str) -> Severity:
    return Severity.WARNING if service.ports and _changes(service, switch) else Severity.INFO


def _changes(service: Service, switch: str) -> bool:
    """Whether who comes in by a switch may change things, not only look at them."""
    role = service.environment.get("GF_AUTH_ANONYMOUS_ORG_ROLE")
    return switch != READ_ONLY or (role is not None and role.value.lower() in ("admin", "editor"))


def open_store(service: Service) -> Open | None:
    """Say why a published store lets everybody in, if it does."""
    image = _common.image_of(service)
    if image is None or image.kind not in OPEN or _common.secret_of(service) is not None:
        return None
    if not any(p.everywhere for p in service.ports) or _guarded(service):
        return None
    where = next(p.where for p in service.ports if p.everywhere)
    return ("has no password", where, Severity.WARNING,
            "publish it on 127.0.0.1 alone, and give it a password")  # fmt: skip


def _guarded(service: Service) -> bool:
    """Whether anything in its settings looks like a password that we do not know of."""
    words = ("auth", "pass", "api_key", "apikey", "security", "secret", "acl", "token")
    named = any(any(w in n.lower() for w in words) for n in service.environment)
    said = service.command.text.lower() if service.command else ""
    return (
        named or any(w in said for w in words) or bool(service.configs) or bool(service.env_files)
    )


BAD = """\
services:
  cache:
    image: redis:7.4
    command: redis-server --requirepass ${REDIS_PASSWORD:-}
"""
GOOD = """\
services:
  cache:
    image: redis:7.4
    command: redis-server --requirepass ${REDIS_PASSWORD:?set it}
"""
RULE = Rule(
    code="auth-off",
    title="A store that lets everybody in",
    severity=Severity.ERROR,
    page="`--requirepass ${REDIS_PASSWORD}` with nothing in the variable is a Redis without a "
    "password, and nobody says so. An error when the variable may be empty, or when the store is "
    "published on all interfaces; a switch that turns authentication off is a warning otherwise.",
    bad=BAD,
    good=GOOD,
    check=check,
)
