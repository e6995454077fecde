"""What is known of public images: where they listen, what is in them, what they obey.

Only what their publishers document. ``None`` means: not known, so no rule may build on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

SHELL = frozenset({"sh"})
BUSYBOX = SHELL | {"wget", "nc"}
# What is in the usual bases, of the programs that health checks call.
BASES: dict[str, frozenset[str]] = {
    "debian": SHELL | {"bash"},
    "alpine": BUSYBOX,
    "busybox": BUSYBOX,
    "none": frozenset(),
}
# The programs whose absence can be known. Of all others nothing is said.
WATCHED = frozenset({"curl", "wget", "nc", "jq", "bash", "sh", "python", "python3", "node"})


@dataclass(frozen=True, slots=True)
class Image:
    """A family of images. ``ports``: all it listens on unless it is told otherwise.

    ``base``: debian, alpine, busybox, none; or None when not known. ``has``: on top of the base.
    ``secret``: the variables that set its password; ``user``/``database``: as secret.
    """

    kind: str
    names: tuple[str, ...]
    ports: frozenset[int] = frozenset()
    base: str | None = None
    has: frozenset[str] = frozenset()
    secret: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    database: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    checked: bool = False  # the image has a health check of its own
    store: bool = False  # keeps data, or lets its caller do anything: must not be open
    default_user: str | None = None


def _image(
    kind: str,
    names: str,
    ports: str = "",
    base: str | None = None,
    has: str = "",
    secret: str = "",
    user: str = "",
    database: str = "",
    data: str = "",
    default_user: str | None = None,
    *,
    checked: bool = False,
    store: bool = False,
) -> Image:
    return Image(
        kind, tuple(names.split()), frozenset(map(int, ports.split())), base,
        frozenset(has.split()), tuple(secret.split()), tuple(user.split()),
        tuple(database.split()), tuple(data.split()), checked, store, default_user,
    )  # fmt: skip


IMAGES: tuple[Image, ...] = (
    _image("postgres", "postgres pgvector/pgvector ankane/pgvector postgis/postgis "
           "timescale/timescaledb library/postgres", "5432", "debian", "pg_isready psql",
           "POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "/var/lib/postgresql", "postgres",
           store=True),
    _image("postgres", "bitnami/postgresql supabase/postgres timescale/timescaledb-ha", "5432",
           None, "pg_isready psql", "POSTGRES_PASSWORD POSTGRESQL_PASSWORD",
           "POSTGRES_USER POSTGRESQL_USERNAME", "POSTGRES_DB POSTGRESQL_DATABASE",
           default_user="postgres", store=True),
    _image("redis", "redis library/redis valkey/valkey", "6379", "debian",
           "redis-cli valkey-cli", data="/data", store=True),
    _image("redis", "bitnami/redis bitnami/valkey redis/redis-stack redis/redis-stack-server",
           "6379 8001", None, "redis-cli", "REDIS_PASSWORD VALKEY_PASSWORD", store=True),
    _image("mysql", "mysql library/mysql mysql/mysql-server percona", "3306 33060", None,
           "mysqladmin mysql", "MYSQL_ROOT_PASSWORD MYSQL_PASSWORD", "MYSQL_USER",
           "MYSQL_DATABASE", "/var/lib/mysql", "root", store=True),
    _image("mysql", "mariadb library/mariadb", "3306", "debian", "mariadb-admin healthcheck.sh",
           "MARIADB_ROOT_PASSWORD MARIADB_PASSWORD MYSQL_ROOT_PASSWORD MYSQL_PASSWORD",
           "MARIADB_USER MYSQL_USER", "MARIADB_DATABASE MYSQL_DATABASE", "/var/lib/mysql", "root",
           store=True),
    _image("mongo", "mongo library/mongo", "27017", None, "mongosh", "MONGO_INITDB_ROOT_PASSWORD",
           "MONGO_INITDB_ROOT_USERNAME", "", "/data/db", store=True),
    _image("rabbitmq", "rabbitmq library/rabbitmq", "5672 15672 15692 4369 25672 5671 15671 61613 "
           "1883 5552", "debian", "rabbitmq-diagnostics rabbitmqctl", "RABBITMQ_DEFAULT_PASS",
           "RABBITMQ_DEFAULT_USER", "", "/var/lib/rabbitmq", "guest", store=True),
    _image("memcached", "memcached library/memcached", "11211", "debian", store=True),
    _image("elasticsearch", "elasticsearch elasticsearch/elasticsearch "
           "opensearchproject/opensearch", "9200 9300 9600", None, "curl", "ELASTIC_PASSWORD",
           store=True),
    _image("kibana", "kibana kibana/kibana", "5601", None, "curl"),
    _image("minio", "minio/minio", "9000 9001", None, "",
           "MINIO_ROOT_PASSWORD MINIO_SECRET_KEY", "MINIO_ROOT_USER MINIO_ACCESS_KEY",
           data="/data"),
    _image("qdrant", "qdrant/qdrant", "6333 6334 6335", "debian", data="/qdrant/storage",
           store=True),
    _image("chroma", "chromadb/chroma", "8000", data="/data", store=True),
    _image("weaviate", "semitechnologies/weaviate", "8080 50051 2112 7946 7947", store=True),
    _image("clickhouse", "clickhouse/clickhouse-server yandex/clickhouse-server",
           "8123 9000 9009 9004 9005 9363 9440 8443", None, "clickhouse-client",
           "CLICKHOUSE_PASSWORD",
           "CLICKHOUSE_USER", store=True),
    _image("influxdb", "influxdb", "8086 8088 8181", store=True),
    _image("neo4j", "neo4j library/neo4j", "7474 7687 7473 2004", None, "",
           "NEO4J_AUTH", store=True),
    _image("cassandra", "cassandra scylladb/scylla", "9042 7000 7001 7199 9160 10000 9180",
           store=True),
    _image("couchdb", "couchdb", "5984 4369 9100", store=True),
    _image("kafka", "confluentinc/cp-kafka bitnami/kafka apache/kafka apache/kafka-native "
           "wurstmeister/kafka", store=True),
    _image("memgraph", "memgraph/memgraph memgraph/memgraph-mage memgraph/memgraph-platform",
           "7687 7444 3000", data="/var/lib/memgraph", store=True),
    _image("etcd", "coreos/etcd bitnami/etcd etcd-development/etcd", store=True),
    _image("nacos", "nacos/nacos-server", store=True),
    _image("zookeeper", "zookeeper wurstmeister/zookeeper bitnami/zookeeper "
           "confluentinc/cp-zookeeper", "2181 2888 3888 8080", store=True),
    _image("nats", "nats", "4222 8222 6222", "none", store=True),
    _image("vault", "vault hashicorp/vault", "8200 8201", "alpine", store=True),
    _image("nginx", "nginx library/nginx nginxinc/nginx-unprivileged", "80 443 8080", "debian",
           "curl nginx"),
    _image("httpd", "httpd library/httpd", "80 443", "debian"),
    _image("traefik", "traefik library/traefik", "80 443 8080", "alpine", "traefik"),
    _image("caddy", "caddy library/caddy", "80 443 2019"),
    _image("grafana", "grafana/grafana grafana/grafana-oss grafana/grafana-enterprise", "3000",
           "alpine", "curl bash", "GF_SECURITY_ADMIN_PASSWORD", "GF_SECURITY_ADMIN_USER",
           data="/var/lib/grafana"),
    _image("prometheus", "prom/prometheus", "9090", "busybox", data="/prometheus"),
    _image("alertmanager", "prom/alertmanager", "9093 9094", "busybox"),
    _image("pushgateway", "prom/pushgateway", "9091", "busybox"),
    _image("exporter", "prom/node-exporter", "9100", "busybox"),
    _image("exporter", "prom/blackbox-exporter", "9115", "busybox"),
    _image("exporter", "prometheuscommunity/postgres-exporter wrouesnel/postgres_exporter",
           "9187", "busybox"),
    _image("exporter", "oliver006/redis_exporter", "9121"),
    _image("exporter", "cadvisor/cadvisor google/cadvisor", "8080"),
    _image("loki", "grafana/loki", "3100 9095 7946 9096"),
    _image("mailhog", "mailhog/mailhog", "1025 8025", "alpine"),
    _image("mailpit", "axllent/mailpit", "1025 8025 1110", "alpine", "mailpit", checked=True),
    _image("maildev", "maildev/maildev djfarrelly/maildev", "1025 1080 25 80", checked=True),
    _image("adminer", "adminer library/adminer", "8080"),
    _image("pgadmin", "dpage/pgadmin4", "80 443 5050", None, "",
           "PGADMIN_DEFAULT_PASSWORD", "PGADMIN_DEFAULT_EMAIL"),
    _image("phpmyadmin", "phpmyadmin phpmyadmin/phpmyadmin", "80"),
    _image("mongo-express", "mongo-express", "8081"),
    _image("redisinsight", "redis/redisinsight redislabs/redisinsight", "5540 8001"),
    _image("rediscommander", "rediscommander/redis-commander", "8081", checked=True),
    _image("ollama", "ollama/ollama", "11434", "debian", "ollama", data="/root/.ollama"),
    _image("keycloak", "keycloak/keycloak bitnami/keycloak", "8080 8443 9000", None, "",
           "KEYCLOAK_ADMIN_PASSWORD KC_BOOTSTRAP_ADMIN_PASSWORD"),
    _image("registry", "registry library/registry", "5000 5001"),
    _image("postgrest", "postgrest/postgrest", "3000 3001", "none"),
    _image("gotrue", "supabase/gotrue", "9999 8081 9122"),
    _image("localstack", "localstack/localstack", "", checked=True),
    _image("zipkin", "openzipkin/zipkin", "9411 9410", checked=True),
    _image("otel", "otel/opentelemetry-collector otel/opentelemetry-collector-contrib", "", "none"),
    _image("open-webui", "open-webui/open-webui", "8080", checked=True),
    _image("checked", "gitlab/gitlab-ce gitlab/gitlab-ee pihole/pihole vaultwarden/server "
           "jellyfin/jellyfin wordpress/none nextcloud/all-in-one", checked=True),
    _image("wordpress", "wordpress library/wordpress", "80 9000"),
    _image("base", "python node golang ruby", "", "debian", "curl wget"),
    _image("base", "dotnet/aspnet dotnet/runtime dotnet/runtime-deps", "", "debian"),
    _image("base", "debian ubuntu library/debian library/ubuntu", "", "debian"),
    _image("base", "alpine library/alpine", "", "alpine"),
    _image("base", "busybox", "", "busybox"),
    _image("base", "scratch", "", "none"),
)  # fmt: skip
NEWEST = ("latest", "alpine", "bookworm", "trixie", "slim")
TABLE: dict[str, Image] = {name: image for image in IMAGES for name in image.names}
REFERENCE = re.compile(r"(?:[\w.-]+\.[\w.-]+(?::\d+)?/|localhost(?::\d+)?/)?(?P<path>[^:@\s]*)"
                       r"(?::(?P<tag>[^@\s]*))?(?P<digest>@\S+)?\Z")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name, apart. ``path`` is without its registry."""

    path: str
    tag: str | None
    digest: str | None


@lru_cache(maxsize=2048)
def reference(name: str) -> Reference | None:
    """Take the name of an image apart; None when it is none."""
    found = REFERENCE.match(name) if len(name) < 500 else None
    return Reference(found["path"], found["tag"], found["digest"]) if found else None


def known(name: str) -> Image | None:
    """Return what is known of an image, or None."""
    found = reference(name)
    if not found:
        return None
    parts = found.path.lower().split("/")
    return TABLE.get("/".join(parts[-2:])) or (TABLE.get(parts[0]) if len(parts) == 1 else None)


def kind(name: str | None) -> str | None:
    """Return the family of an image: postgres, redis, ..."""
    found = known(name) if name else None
    return found.kind if found else None


def programs(name: str) -> frozenset[str] | None:
    """Return which of the WATCHED programs an image has; None when that is not known."""
    if "distroless" in name:
        return None if "debug" in name else frozenset()
    image, found = known(name), reference(name)
    if image is None or found is None or image.base is None:
        return None
    tag = found.tag or ""
    if "slim" in tag:
        python = {"python3"} if "python" in name else set()
        return BASES["debian"] | {found.path.split("/")[-1]} | python
    base = "alpine" if "alpine" in tag else image.base
    has = image.has if image.kind != "base" or base == image.base else frozenset()
    name_of = found.path.split("/")[-1]
    own = frozenset({name_of}) if image.kind == "base" else frozenset()
    return BASES[base] | has | own | ({"python3"} if "python" in own else set())


def major(name: str) -> int | None:
    """Return the first number of an image's tag, or None."""
    found = reference(name)
    tag = (found.tag or "") if found else ""
    number = re.search(r"(?:^|[-.])pg(\d{1,3})", tag) or re.match(r"v?(\d{1,6})", tag)
    return int(number[1]) if number else None


def newest(name: str) -> bool:
    """Whether a name means the newest version there is."""
    found = reference(name)
    return found is not None and found.digest is None and found.tag in (None, "", *NEWEST)
