# ruff: noqa: E501 - whole files, one a row
"""Faults that cost people days, and what only looks like one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from tests.unit.lint.worlds import NOW, lint, said

DB = """\
  db:
    image: postgres:16.4
    environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD:?}'}
    volumes: ['data:/var/lib/postgresql/data']
"""
END = "volumes:\n  data: {}\n"


def token(secret: str, **claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part({'alg': 'HS256'})}.{part(claims)}"
    made = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


LONG = "a-secret-of-more-than-thirty-two-bytes"
EXPIRED = token(LONG, role="anon", exp=NOW - 90_000)
VALID = token(LONG, role="anon", exp=NOW + 90_000)
FAULTS = {
    "a variable that nobody sets, without .env": (
        "variable-unset", "warning", 4,
        "services:\n  a:\n    image: a:1\n    environment: {API_TOKEN: '${API_TOKEN}'}\n"),
    "a required password that is empty": (
        "auth-off", "error", 4,
        "services:\n  cache:\n    image: redis:7.4\n    command: redis-server --requirepass '${REDIS_PASSWORD}'\n"
        "# --- .env\nREDIS_PASSWORD=\n"),
    "a hard-coded password in one URL": (
        "credentials-differ", "error", 4,
        "services:\n  a:\n    image: a:1\n    environment: {ALFRED_DATABASE_URL: 'postgresql://postgres:postgres@db:5432/postgres'}\n"
        f"    depends_on: [db]\n{DB}{END}# --- .env\nPOSTGRES_PASSWORD=other\n"),
    "a copy beside a required variable": (
        "credentials-differ", "warning", 4,
        "services:\n  a:\n    image: a:1\n    environment: {DATABASE_URL: 'postgresql://postgres:postgres@db:5432/postgres'}\n"
        f"    depends_on: [db]\n{DB}{END}"),
    "special characters in a password": (
        "url-password", "error", 4,
        "services:\n  a:\n    image: a:1\n    environment: {DATABASE_URL: 'postgresql://u:p@ss/1#x@elsewhere.example:5432/a'}\n"),
    "a URL without the password": (
        "url-password", "error", 4,
        "services:\n  a:\n    image: a:1\n    environment: {ALFRED_REDIS_URL: 'redis://redis:6379'}\n    depends_on: [redis]\n"
        "  redis: {image: 'redis:7.4', command: 'redis-server --requirepass ${REDIS_PASSWORD:?}'}\n"),
    "an expired token": (
        "jwt", "error", 4,
        f"services:\n  a:\n    image: a:1\n    environment: {{ANON_KEY: {EXPIRED}}}\n"),
    "a token of another secret": (
        "jwt", "error", 4,
        f"services:\n  a:\n    image: a:1\n    environment: {{ANON_KEY: {VALID}, JWT_SECRET: {LONG}-other}}\n"),
    "a short signing secret": (
        "jwt", "error", 4,
        "services:\n  a:\n    image: a:1\n    environment: {DB_JWT_SECRET: short}\n"),
    "the port of the host between containers": (
        "url-port", "error", 4,
        "services:\n  model-router:\n    image: a:1\n    environment: {MODEL_REGISTRY_URL: 'http://model-registry:8079'}\n"
        "    depends_on: [model-registry]\n  model-registry: {image: 'b:1', ports: ['127.0.0.1:8079:8080']}\n"),
    "localhost that is another container": (
        "localhost-elsewhere", "warning", 4,
        "services:\n  ui-chat:\n    image: a:1\n    environment: {ALFRED_API_URL: 'http://localhost:8011'}\n"
        "  agent-core: {image: 'b:1', ports: ['127.0.0.1:8011:8011']}\n"),
    "a tab": ("yaml", "error", 2, "services:\n\ta: {image: a}\n"),
    "a network that is not declared": (
        "undefined", "error", 2, "services:\n  a: {image: 'a:1', networks: [alfred-network]}\n"),
    "a profile that does not exist": (
        "profile", "warning", 1,
        "services:\n  a: {image: 'a:1'}\n  b: {image: 'b:1', profiles: [ui]}\n# --- .env\nCOMPOSE_PROFILES=llm\n"),
    "placeholders in .env": (
        "env-lines", "warning", 1,
        "services:\n  a: {image: 'a:1', environment: {T: '${SLACK_BOT_TOKEN}'}}\n# --- .env\nSLACK_BOT_TOKEN=placeholder-token\n"),
    "Windows line ends": (
        "env-lines", "info", 1,
        "services:\n  a: {image: 'a:${TAG}'}\n# --- .env\nTAG=1\r\n"),
    "PORT that is not the published one": (
        "published-unheard", "error", 5,
        "services:\n  ui-admin:\n    image: a:1\n    environment: {PORT: 3000}\n    ports: ['127.0.0.1:3007:3007']\n"),
    "a health check without its program": (
        "health-binary", "error", 4,
        "services:\n  vector-db:\n    image: qdrant/qdrant:v1.12.4\n    healthcheck: {test: [CMD, curl, -f, 'http://localhost:6333/']}\n"),
    "an image name of nothing": (
        "image-empty", "error", 2,
        "services:\n  x: {image: '${ALFRED_REGISTRY}/alfred-platform/x:${ALFRED_VERSION}'}\n"),
    "a mounted file that is not there": (
        "missing-file", "error", 4,
        "services:\n  a:\n    image: nginx:1.27\n    volumes: ['./conf/nginx.conf:/etc/nginx/nginx.conf:ro']\n"),
    "service_healthy without a check": (
        "healthy-without-check", "error", 4,
        "services:\n  a:\n    image: a:1\n    depends_on: {vector-db: {condition: service_healthy}}\n  vector-db: {image: 'qdrant/qdrant:v1.12.4'}\n"),
    "a file that is not in the image": (
        "entry-missing", "error", 4,
        "services:\n  a:\n    build: .\n    command: [python, simple_bot.py]\n# --- Dockerfile\nFROM python:3.12\nCOPY . .\n"),
    "one port of the host twice": (
        "host-port-twice", "error", 3,
        "services:\n  agent-rag: {image: 'a:1', ports: ['127.0.0.1:8501:8501']}\n  ui-chat: {image: 'b:1', ports: ['127.0.0.1:8501:8501']}\n"),
    "one port twice once a profile is on": (
        "host-port-twice", "warning", 3,
        "services:\n  a: {image: 'a:1', ports: ['127.0.0.1:80:80']}\n  b: {image: 'b:1', ports: ['127.0.0.1:80:80'], profiles: [x]}\n"),
    "a published port without a listener": (
        "published-unheard", "error", 4,
        "services:\n  a:\n    image: a:1\n    ports: ['127.0.0.1:9120:9091']\n    command: serve --port 9103\n"),
    "a store on all interfaces": (
        "auth-off", "error", 2, "services:\n  redis: {image: 'redis:7.4', ports: ['6379:6379']}\n"),
    "a service on another network": (
        "networks-apart", "error", 4,
        "services:\n  cost-api:\n    image: a:1\n    environment: {DB_HOST: db, DB_PORT: 5432}\n    depends_on: [db]\n"
        f"{DB}    networks: [alfred-network]\n{END}networks:\n  alfred-network: {{}}\n"),
    "an internal network": (
        "internal-network", "error", 2,
        "services:\n  a: {image: 'a:1', ports: ['127.0.0.1:80:80'], networks: [n]}\nnetworks:\n  n: {internal: true}\n"),
    "the wrong port for mail": (
        "url-port", "error", 4,
        "services:\n  auth:\n    image: a:1\n    environment: {GOTRUE_SMTP_HOST: mail, GOTRUE_SMTP_PORT: 25}\n  mail: {image: 'axllent/mailpit:v1.21'}\n"),
    "a scrape target on the wrong port": (
        "prometheus-target", "warning", 4,
        "services:\n  prometheus: {image: 'prom/prometheus:v3.1.0', volumes: ['./prometheus.yml:/etc/prometheus/prometheus.yml']}\n"
        "  agent-core: {image: 'a:1', command: 'serve --port 8011'}\n"
        "# --- prometheus.yml\nscrape_configs:\n  - job_name: a\n    static_configs:\n      - targets: [agent-core:8001]\n"),
    "a server that listens for itself": (
        "loopback-bind", "error", 4,
        "services:\n  a:\n    image: a:1\n    command: uvicorn main:app --host 127.0.0.1\n    ports: ['127.0.0.1:8000:8000']\n"),
    "two networks with one subnet": (
        "subnet-twice", "error", 5,
        "services:\n  a: {image: 'a:1', networks: [x, y]}\nnetworks:\n  x: {ipam: {config: [{subnet: 172.20.0.0/16}]}}\n"
        "  y: {ipam: {config: [{subnet: 172.20.0.0/16}]}}\n"),
    "an overlay that cannot load": (
        "cannot-load", "error", 2,
        "services:\n  a: {image: 'a:1'}\n# --- docker-compose.dev.yml\nservices:\n  gone: {environment: {A: b}}\n  a: {restart: always}\n"),
    "a health check without its program, in .NET's image": (
        "health-binary", "error", 4,
        "services:\n  a:\n    build: .\n    healthcheck: {test: [CMD, wget, -qO-, 'http://localhost:8080/']}\n"
        "# --- Dockerfile\nFROM mcr.microsoft.com/dotnet/aspnet:9.0\nEXPOSE 8080\n"),
    "a tunnel's token on a command line": (
        "secret-in-file", "error", 4,
        f"services:\n  a:\n    image: cloudflare/cloudflared:2025.1.0\n    command: tunnel run --token eyJhIjoi{'Zm9v' * 40}\n"),
    "a password on a command line": (
        "secret-in-file", "info", 4,
        "services:\n  a:\n    image: redis:7.4\n    command: redis-server --requirepass of-the-shop\n"),
    "an address alone, of a server with a password": (
        "url-password", "warning", 4,
        "services:\n  a:\n    image: a:1\n    environment: {REDIS_HOST: redis}\n    depends_on: [redis]\n"
        "  redis: {image: 'redis:7.4', command: 'redis-server --requirepass ${REDIS_PASSWORD:?}'}\n"),
    "a mount over everything": (
        "mount-refused", "error", 4,
        "services:\n  a:\n    image: a:1\n    volumes: ['.:/']\n"),
    "a Dockerfile that wants another context": (
        "missing-file", "error", 3,
        "services:\n  a:\n    build: ./worker\n"
        "# --- worker/Dockerfile\nFROM python:3.12\nCOPY worker/requirements.txt .\n# --- worker/requirements.txt\ncelery\n"),
    "pages that ask nobody who he is": (
        "auth-off", "warning", 4,
        "services:\n  g:\n    image: grafana/grafana:11.5.2\n    environment: {GF_AUTH_ANONYMOUS_ENABLED: 'true'}\n    ports: ['3000:3000']\n"),
    "a registry of services that asks nobody": (
        "auth-off", "error", 4,
        "services:\n  n:\n    image: nacos/nacos-server:v2.4.0\n    environment: {NACOS_AUTH_ENABLE: 'false'}\n    ports: ['8848:8848']\n"),
    "a database whose only mount is its first script": (
        "no-volume", "info", 3,
        "services:\n  db:\n    image: postgres:16.4\n    environment: {POSTGRES_PASSWORD: '${PW:?}'}\n    volumes: ['./init:/docker-entrypoint-initdb.d']\n"),
    "a queue on all interfaces": (
        "open-to-all", "warning", 2,
        "services:\n  k: {image: 'confluentinc/cp-kafka:7.6.0', ports: ['9092:9092']}\n"),
    "a dependency of what has a profile": (
        "dependency-undeclared", "info", 5,
        "services:\n  a:\n    image: a:1\n    profiles: [app]\n    environment: {CACHE_URL: 'redis://cache:6379'}\n  cache: {image: 'redis:7.4'}\n"),
    "localhost that an example proposes": (
        "localhost-elsewhere", "warning", 1,
        "services:\n  a:\n    image: a:1\n    environment: {QDRANT_URL: '${QDRANT_URL:-}'}\n  q: {image: 'qdrant/qdrant:v1.12.4'}\n"
        "# --- .env.example\nQDRANT_URL=http://localhost:6333\n"),
    "a picture that is not there": (
        "missing-file", "error", 4,
        "services:\n  a:\n    image: a:1\n    volumes: ['./logo.png:/app/logo.png']\n"),
    "the first user of Airflow": (
        "default-password", "warning", 4,
        "services:\n  a:\n    image: apache/airflow:3.1.6\n    environment: {_AIRFLOW_WWW_USER_USERNAME: airflow, _AIRFLOW_WWW_USER_PASSWORD: '${PW:-airflow}'}\n    ports: ['8080:8080']\n"),
    "localhost in the example of an env file": (
        "localhost-elsewhere", "warning", 1,
        "services:\n  a:\n    image: a:1\n    env_file: .env.a\n  q: {image: 'qdrant/qdrant:v1.12.4'}\n  db: {image: 'postgres:16.4', tmpfs: [/var/lib/postgresql/data]}\n"
        "# --- .env.example.a\nQDRANT_HOST=localhost\nQDRANT_PORT=6333\nDB_URL=postgresql://u@localhost/x\n"),
    "a broker that sends its clients to themselves": (
        "localhost-elsewhere", "error", 4,
        "services:\n  k:\n    image: apache/kafka:3.9.0\n    environment: {KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:9092'}\n"
        "  a: {image: 'a:1', environment: {KAFKA_BROKERS: 'k:9092'}, depends_on: [k]}\n"),
    "a broker of whom only depends_on speaks": (
        "localhost-elsewhere", "warning", 4,
        "services:\n  k:\n    image: apache/kafka:3.9.0\n    environment: {KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:9092'}\n"
        "  a: {image: 'a:1', depends_on: [k]}\n"),
    "the latest of one major version": (
        "floating-tag", "info", 2, "services:\n  a: {image: 'timescale/timescaledb:latest-pg16', tmpfs: [/var/lib]}\n"),
    "a key-value store on all interfaces": (
        "open-to-all", "warning", 2, "services:\n  e: {image: 'quay.io/coreos/etcd:v3.5.9', ports: ['2379:2379']}\n"),
    "a graph's known password": (
        "default-password", "warning", 4,
        "services:\n  n:\n    image: neo4j:5.20\n    environment: {NEO4J_AUTH: neo4j/password}\n    ports: ['7687:7687']\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_where_it_is(name: str) -> None:
    rule, severity, line, text = FAULTS[name]
    found = said(text, rule)
    assert (severity, line) in [(s, int(place.rpartition(":")[2])) for s, place in found], lint(
        text
    )


HARMLESS = {
    "another port on the host": "  a: {image: 'grafana/grafana:11.4.0', ports: ['127.0.0.1:3005:3000']}\n",
    "no health check": "  a: {image: 'a:1', ports: ['127.0.0.1:80:80']}\n",
    "behind a profile": "  a: {image: 'a:1', profiles: [extra]}\n",
    "one container port twice": "  a: {image: 'qdrant/qdrant:v1.12.4', ports: ['127.0.0.1:6333:6333', '127.0.0.1:9102:6333']}\n",
    "a password apart from the address": (
        "  redis: {image: 'redis:7.4', command: 'redis-server --requirepass ${REDIS_PASSWORD:?}'}\n"
        "  exporter:\n    image: oliver006/redis_exporter:v1.67.0\n    depends_on: [redis]\n"
        "    environment: {REDIS_ADDR: 'redis://redis:6379', REDIS_PASSWORD: '${REDIS_PASSWORD:?}'}\n"),
    "a check by its own name": (
        "  a:\n    image: a:1\n    command: serve --port 8080\n    healthcheck: {test: [CMD, wget, -qO-, 'http://a:8080/health']}\n"),
    "a check by localhost": (
        "  a:\n    image: a:1\n    command: serve --port 8080\n    healthcheck: {test: [CMD, wget, -qO-, 'http://localhost:8080/']}\n"),
    "0.0.0.0 inside of a container": "  a: {image: 'a:1', command: 'serve --host 0.0.0.0 --port 80', ports: ['127.0.0.1:80:80']}\n",
    "a required variable": "  a: {image: 'a:1', environment: {TOKEN: '${TOKEN:?make one}'}}\n",
    "an optional key": "  a: {image: 'a:1', environment: {OPENAI_API_KEY: '${OPENAI_API_KEY:-}'}}\n",
    "localhost for browsers": (
        "  web: {image: 'a:1', environment: {NEXT_PUBLIC_API_URL: 'http://localhost:8000', CORS_ORIGINS: 'http://localhost:3000'}}\n"
        "  api: {image: 'b:1', ports: ['127.0.0.1:8000:8000']}\n"),
    "variants by profile": (
        "  cpu: {image: 'o:1', profiles: [cpu], container_name: o, ports: ['127.0.0.1:80:80']}\n"
        "  gpu: {image: 'o:1', profiles: [gpu], container_name: o, ports: ['127.0.0.1:80:80']}\n"),
    "a mock": "  mock-db:\n    image: postgres:16.4\n    environment: {POSTGRES_PASSWORD: '${PW:?}'}\n",
    "a shell in a container": "  a: {image: 'a:1', command: sh -c 'echo $$HOME && exec serve'}\n",
    "percent signs in a password": "  a: {image: 'a:1', environment: {DATABASE_URL: 'postgresql://u:p%40ss@db.example.com:5432/a'}}\n",
    "a file that the build makes": (
        "  a:\n    build: .\n# --- Dockerfile\nFROM eclipse-temurin:21\nARG JAR\nCOPY target/app.jar package*.json /app/\nCOPY --from=x /a /b\n"),
    "an env file whose example has another name": "  a: {image: 'a:1', env_file: .env.a}\n# --- .env.example.a\nA=1\n",
    "a broker with a listener for each side": (
        "  k:\n    image: apache/kafka:3.9.0\n    environment: {KAFKA_ADVERTISED_LISTENERS: 'IN://k:29092,OUT://localhost:9092'}\n"
        "  a: {image: 'a:1', environment: {KAFKA_BROKERS: 'k:29092'}, depends_on: [k]}\n"),
    "a volume where the data is": "  db:\n    image: postgres:18\n    environment: {POSTGRES_PASSWORD: '${PW:?}'}\n    volumes: ['./d:/var/lib/postgresql']\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_nothing_is_said_of_what_only_looks_wrong(name: str) -> None:
    assert lint("services:\n" + HARMLESS[name]) == ()


def test_what_one_line_gives_to_several_is_one_finding() -> None:
    shared = "x-e: &e\n  environment: {API_URL: 'http://api:80'}\n"
    text = shared + (
        "services:\n  a: {image: 'a:1', <<: *e}\n  b: {image: 'b:1', <<: *e}\n  api: {image: 'c:1'}\n"
    )
    (found,) = lint(text, ["dependency-undeclared"])
    assert found.message.startswith("a and b use api but do not depend on it")


def test_what_an_example_says_wrong_is_mended_there() -> None:
    name = "localhost that an example proposes"
    (found,) = lint(FAULTS[name][3], ["localhost-elsewhere"])
    assert [str(e.where.file) for e in found.edits] == [".env.example"]


def test_one_file_that_says_localhost_is_one_finding() -> None:
    name = "localhost in the example of an env file"
    (found,) = lint(FAULTS[name][3], ["localhost-elsewhere"])
    assert [w.line for w in found.places] == [1, 3]


def test_an_example_one_folder_up_counts() -> None:
    text = "# --- .env.example\nTOKEN=\n# --- docker/compose.yaml\nservices:\n  a: {image: 'a:1', environment: {T: '${TOKEN}'}}\n"
    assert lint(text, ["variable-unset"]) == ()
