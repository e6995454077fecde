"""An image that does not fit its configuration."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import images
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import printable

# Variables that only one family of images reads.
BELONGS = {
    "POSTGRES_PASSWORD": "postgres", "POSTGRES_DB": "postgres", "MYSQL_ROOT_PASSWORD": "mysql",
    "MYSQL_DATABASE": "mysql", "MARIADB_ROOT_PASSWORD": "mysql",
    "MONGO_INITDB_ROOT_USERNAME": "mongo", "MONGO_INITDB_ROOT_PASSWORD": "mongo",
    "RABBITMQ_DEFAULT_PASS": "rabbitmq", "MINIO_ROOT_PASSWORD": "minio",
}  # fmt: skip
STORES = {"postgres", "mysql", "mongo", "rabbitmq", "redis", "minio", "memcached"}
# The official images read no variable: a password there protects nothing.
DEAF = {"REDIS_PASSWORD", "REDIS_PASS", "REDIS_REQUIREPASS", "REDIS_ARGS"}
EXTENSION = re.compile(
    r"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(vector|postgis|timescaledb)\b", re.I
)
MADE_FOR = {
    "vector": ("pgvector", "ankane", "supabase", "paradedb", "timescaledb-ha"),
    "postgis": ("postgis", "supabase"), "timescaledb": ("timescale",),
}  # fmt: skip

# Since which major version Kafka images know no ZooKeeper.
KRAFT = {"cp-kafka": 8, "bitnami/kafka": 4, "apache/kafka": 4}
STRICT = ("require", "verify-ca", "verify-full")
# One of these must be set, or the server refuses to begin.
WANTED = {
    "postgres": ("POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD"),
    "mysql": (
        "MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE", "MYSQL_ALLOW_EMPTY_PASSWORD",
        "MYSQL_RANDOM_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD_FILE",
        "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD",
        "MARIADB_ROOT_PASSWORD_HASH", "MARIADB_ALLOW_EMPTY_PASSWORD",
    ),
}  # fmt: skip


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a service and misfit."""
    for service in project.services.values():
        image = _common.image_of(service)
        if image is None or service.image is None:
            continue
        yield from _foreign(service, image)
        yield from _deaf(service, image)
        yield from _data(service, image)
        yield from _extensions(service, image)
        yield from _needs(service, image)
    for service in project.services.values():
        yield from _kafka(service)
    yield from _tls(project)


def _foreign(service: Service, image: images.Image) -> Iterator[Finding]:
    if image.kind not in STORES:
        return
    wrong = [
        v for n, kind in BELONGS.items() if kind != image.kind and (v := service.environment.get(n))
    ]
    wrong = [v for v in wrong if v.origin == "compose"]
    if wrong:
        yield RULE.found(
            f"{service.name} runs {_name(service)}, which does not read "
            f"{', '.join(v.name for v in wrong)}",
            *(v.where for v in wrong), service=service.name,
            fix="name the image that these belong to, or the variables that it reads",
        )  # fmt: skip


def _deaf(service: Service, image: images.Image) -> Iterator[Finding]:
    if image.kind != "redis" or image.base is None:
        return
    said = " ".join(c.text for c in (service.command, service.entrypoint) if c)
    for name in DEAF & service.environment.keys():
        variable = service.environment[name]
        if variable.origin != "compose" or name in said or "requirepass" in said or service.configs:
            continue
        if _common.redis_password(service) is None:
            yield RULE.found(
                f"{service.name}: {name} has no effect, {_name(service)} reads no variables: "
                "it asks nobody for a password",
                variable.where, service=service.name,
                fix=f"command: redis-server --requirepass ${{{name}:?}}",
            )  # fmt: skip


def _data(service: Service, image: images.Image) -> Iterator[Finding]:
    """A volume that is not where the image keeps its data: the data is lost with the container."""
    wanted = _kept_in(service, image)
    kept = [
        m
        for m in service.mounts
        if m.kind in ("volume", "bind") and m.source and not _configuration(m.target)
    ]
    if wanted is None or not kept or any(_holds(m.target, wanted) for m in kept):
        return
    if not any(m.kind == "volume" or "data" in f"{m.source}{m.target}" for m in kept):
        return
    newer = image.kind == "postgres" and "docker" in wanted
    why = f"it keeps its data in {wanted}"
    if newer and any(m.target.rstrip("/") == "/var/lib/postgresql/data" for m in kept):
        why = "from 18 on it refuses to begin with this: mount /var/lib/postgresql"
    yield _lost(service, kept[0].where, why)


def _holds(target: str, wanted: str) -> bool:
    bare = target.rstrip("/")
    # The image declares its old data folder as a volume: what is mounted above it stays empty.
    above = bare == "/var/lib/postgresql" and wanted == "/var/lib/postgresql/data"
    return f"{wanted}/".startswith(f"{bare}/") and not above


def _kept_in(service: Service, image: images.Image) -> str | None:
    """Return the folder of the data; None where it is not known, or moved by its configuration."""
    if (
        service.image is None
        or image.base is None
        and image.kind not in ("mysql", "mongo", "chroma")
    ):
        return None
    said = service.command.text if service.command else ""
    if "PGDATA" in service.environment or "--dir" in said or "datadir" in said or "dbpath" in said:
        return None
    newest = images.newest(service.image.value)
    major = images.major(service.image.value)
    if image.kind == "postgres":
        if not newest and major is None:
            return None
        new = newest or (major is not None and major >= 18)
        return "/var/lib/postgresql/18/docker" if new else "/var/lib/postgresql/data"
    if image.kind == "chroma":
        old = major is not None and major < 1
        return None if old or "PERSIST_DIRECTORY" in service.environment else "/data"
    if image.kind in ("mysql", "mongo", "redis"):
        return None if service.configs else image.data[0]
    return None


def _configuration(target: str) -> bool:
    return target.startswith(
        (
            "/etc", "/docker-entrypoint", "/run", "/tmp",  # noqa: S108 - paths in a container
            "/backup", "/scripts", "/usr", "/dev",
        )
    )  # fmt: skip


def _lost(service: Service, where: Where, why: str) -> Finding:
    return RULE.found(
        f"{service.name}: its data is not on the volume, {_name(service)} does not keep it "
        f"there: {why}",
        where, service=service.name, fix="mount the volume where the data is",
    )  # fmt: skip


def _extensions(service: Service, image: images.Image) -> Iterator[Finding]:
    if image.kind != "postgres" or service.image is None:
        return
    for path, text in service.configs.items():
        found = EXTENSION.search(text[:100_000])
        if found and not any(word in service.image.value for word in MADE_FOR[found[1].lower()]):
            yield RULE.found(
                f"{path.partition(chr(10))[2]} asks for the extension {found[1].lower()}, "
                f"which {_name(service)} does not have",
                service.image.where, service=service.name,
                fix="pgvector/pgvector, postgis/postgis or timescale/timescaledb have it",
            )  # fmt: skip
            return


def _needs(service: Service, image: images.Image) -> Iterator[Finding]:
    """Postgres and MySQL refuse to begin without a password, or the permission to have none."""
    wanted = WANTED.get(image.kind)
    if wanted is None or image.base is None and image.kind == "postgres" or service.env_files:
        return
    given = [service.environment[n] for n in wanted if n in service.environment]
    if not given and not service.command and not service.entrypoint:
        yield RULE.found(
            f"{service.name} will not start: {_name(service)} demands {wanted[0]}",
            service.image.where if service.image else service.where, service=service.name,
            fix=f"set {wanted[0]}",
        )  # fmt: skip
    elif len(given) == 1 and given[0].text == "" and given[0].name == "POSTGRES_PASSWORD":
        yield RULE.found(
            f"{service.name} will not start when nobody sets a value: its POSTGRES_PASSWORD is "
            "empty",
            given[0].where, service=service.name, fix="write ${POSTGRES_PASSWORD:?}",
        )  # fmt: skip


def _kafka(service: Service) -> Iterator[Finding]:
    """Kafka 4 (Confluent 8) knows no ZooKeeper any more: `latest` of those images is one."""
    if service.image is None:
        return
    name = service.image.value
    first = next((v for k, v in KRAFT.items() if k in name), None)
    zookeeper = next((v for n, v in service.environment.items() if "ZOOKEEPER_CONNECT" in n), None)
    if first is None or zookeeper is None:
        return
    major = images.major(name)
    if images.newest(name) or (major is not None and major >= first):
        yield RULE.found(
            f"{service.name} is told to use ZooKeeper, which {_name(service)} does not know "
            "any more: "
            "it will not start",
            zookeeper.where, service.image.where, service=service.name,
            fix=f"pin a version before {first}, or configure KRaft",
        )  # fmt: skip


def _tls(project: Project) -> Iterator[Finding]:
    """Clients that demand TLS from a Postgres that has no certificate: one finding a server."""
    asking: dict[str, list[tuple[Service, Where]]] = {}
    for service, reference, target in _common.internal(project):
        if not _without_tls(target):
            continue
        mode = service.environment.get("PGSSLMODE")
        if reference.scheme is None and mode is not None and mode.value in STRICT:
            asking.setdefault(target.name, []).append((service, mode.where))
        elif any(f"sslmode={m}" in reference.text for m in STRICT):
            asking.setdefault(target.name, []).append((service, reference.where))
    for name, who in asking.items():
        yield RULE.found(
            f"{_common.services(s.name for s, _ in who)} demands TLS from {name}, which has none: "
            "the server does not support SSL connections",
            *(w for _, w in who),
            service=who[0][0].name,
            fix="sslmode=disable, or give the server a certificate",
        )


def _without_tls(target: Service) -> bool:
    image = _common.image_of(target)
    if image is None or image.kind != "postgres" or image.base is None or target.entrypoint:
        return False
    said = target.command.text if target.command else ""
    return "ssl" not in said and not any("ssl" in c for c in target.configs)


def _name(service: Service) -> str:
    return printable(service.image.value) if service.image else service.name


BAD = """\
services:
  cache:
    image: redis:7.4
    environment: {REDIS_PASSWORD: '${REDIS_PASSWORD:?}'}
"""
GOOD = """\
services:
  cache:
    image: redis:7.4
    command: redis-server --requirepass ${REDIS_PASSWORD:?}
"""
RULE = Rule(
    code="image-misfit",
    title="An image that does not fit its configuration",
    severity=Severity.ERROR,
    page="Variables that the image does not read (the official Redis reads none: REDIS_PASSWORD "
    "protects nothing), a volume beside the data, an extension that the image has not, a password "
    "that it demands.",
    bad=BAD,
    good=GOOD,
    check=check,
)
