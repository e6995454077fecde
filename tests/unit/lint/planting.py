"""Valid projects of any size, and one defect planted in each: what, and in which line."""

from __future__ import annotations

import random
from collections.abc import Callable

STORES = {
    "postgres": ("postgres:16.4", 5432, "/var/lib/postgresql/data"),
    "redis": ("redis:7.4", 6379, "/data"),
    "rabbitmq": ("rabbitmq:3.13", 5672, "/var/lib/rabbitmq"),
    "qdrant": ("qdrant/qdrant:v1.12.4", 6333, "/qdrant/storage"),
}
Planted = tuple[dict[str, str], dict[str, str], int, str]
Lines = list[str]


def valid(seed: int, services: int = 6) -> dict[str, str]:
    """Return the files of a project that is in order."""
    chance = random.Random(seed)
    names = [
        f"s{n}-{chance.choice(['api', 'worker', 'web', 'agent', 'ui'])}" for n in range(services)
    ]
    lines: Lines = ["services:"]
    for kind in STORES:
        lines += _store(kind, seed)
    for number, name in enumerate(names):
        lines += _service(chance, seed, number, name, names)
    lines += ["networks:", "  back: {}", "volumes:", *(f"  {kind}-data: {{}}" for kind in STORES)]
    return {"compose.yaml": "\n".join(lines) + "\n", ".env.example": EXAMPLE}


def bare(text: str) -> str:
    """Return a project without its stores: a file of which another one has them."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("  s0-"))
    last = next(i for i, line in enumerate(lines) if line == "networks:")
    return "\n".join(["services:", *lines[first:last], "networks: {back: {external: true}}"]) + "\n"


EXAMPLE = "POSTGRES_PASSWORD=\nREDIS_PASSWORD=\nRABBIT_PASSWORD=\n"


def _store(kind: str, seed: int) -> Lines:
    image, port, data = STORES[kind]
    outside = port + 10_000 + seed % 50
    found = [f"  {kind}:", f"    image: {image}", "    networks: [back]", "    ports:",
             f"      - 127.0.0.1:{outside}:{port}", "    volumes:",
             f"      - {kind}-data:{data}"]  # fmt: skip
    if kind == "postgres":
        found += ["    environment:", "      POSTGRES_USER: app", "      POSTGRES_DB: app",
                  "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it}", "    healthcheck:",
                  "      test: [CMD, pg_isready, -U, app]"]  # fmt: skip
    if kind == "redis":
        found += ["    command: redis-server --requirepass ${REDIS_PASSWORD:?set it}",
                  "    healthcheck:", "      test: [CMD, redis-cli, ping]"]  # fmt: skip
    if kind == "rabbitmq":
        found += ["    environment:", "      RABBITMQ_DEFAULT_USER: app",
                  "      RABBITMQ_DEFAULT_PASS: ${RABBIT_PASSWORD:?set it}"]  # fmt: skip
    return found


def _service(chance: random.Random, seed: int, number: int, name: str, names: list[str]) -> Lines:
    port = 8000 + number
    outside = 20_000 + seed % 300 * 100 + number
    found = [
        f"  {name}:",
        f"    image: registry.example.com/{name}:1.{chance.randrange(9)}",
        f"    command: serve --port {port}",
        "    networks: [back]",
        "    ports:",
        f"      - 127.0.0.1:{outside}:{port}",
        "    healthcheck:",
        f"      test: [CMD-SHELL, 'wget -q -O /dev/null http://localhost:{port}/health || exit 1']",
        "    depends_on:",
        "      postgres: {condition: service_healthy}",
        "      redis: {condition: service_healthy}",
        "      rabbitmq: {condition: service_started}",
        "      qdrant: {condition: service_started}",
    ]
    if number:
        found.append(f"      {names[number - 1]}: {{condition: service_healthy}}")
    found += [
        "    environment:",
        "      DATABASE_URL: postgresql://app:${POSTGRES_PASSWORD:?set it}@postgres:5432/app",
        "      REDIS_URL: redis://:${REDIS_PASSWORD:?set it}@redis:6379/0",
        "      AMQP_URL: amqp://app:${RABBIT_PASSWORD:?set it}@rabbitmq:5672",
        "      QDRANT_URL: http://qdrant:6333",
        *([f"      UPSTREAM_URL: http://{names[number - 1]}:{port - 1}"] if number else []),
    ]
    return found


class Edits:
    """Plants by text: ``at`` finds a line of the last service, the others are its neighbours."""

    def __init__(self, lines: Lines, chance: random.Random) -> None:
        self.lines = lines
        starts = [
            i for i, line in enumerate(lines) if line.startswith("  s") and line.endswith(":")
        ]
        self.begin = chance.choice(starts[1:])
        self.name = lines[self.begin].strip(" :")

    def at(self, text: str, begin: int | None = None) -> int:
        """Return the index of the first line from a service on that holds ``text``."""
        first = self.begin if begin is None else begin
        return next(i for i in range(first, len(self.lines)) if text in self.lines[i])

    def swap(self, text: str, old: str, new: str, begin: int | None = None) -> int:
        """Change a line; return its number."""
        index = self.at(text, begin)
        assert old in self.lines[index], (old, self.lines[index])
        self.lines[index] = self.lines[index].replace(old, new, 1)
        return index + 1

    def add(self, after: str, *new: str, begin: int | None = None) -> int:
        """Put lines after one; return the number of the first."""
        index = self.at(after, begin)
        self.lines[index + 1 : index + 1] = new
        return index + 2


def _wrong_port(e: Edits) -> int:
    return e.swap("QDRANT_URL", ":6333", ":7333")


def _host_port_in_url(e: Edits) -> int:
    outside = e.lines[e.at("127.0.0.1:", e.at("  redis:", 0))].split(":")[1]
    return e.swap("REDIS_URL", ":6379", f":{outside}")


def _neighbour_port(e: Edits) -> int:
    return e.swap("UPSTREAM_URL", e.lines[e.at("UPSTREAM_URL")].rsplit(":", 1)[1], "7999")


def _unheard(e: Edits) -> int:
    line = e.lines[e.at("- 127.0.0.1:")]
    return e.swap("- 127.0.0.1:", line.rsplit(":", 1)[1], "7998")


def _check_port(e: Edits) -> int:
    return e.swap("localhost:", "localhost:8", "localhost:7")


def _check_nothing(e: Edits) -> int:
    return e.swap("wget -q", e.lines[e.at("wget -q")].strip(), "test: [CMD-SHELL, exit 0]")


def _check_swallowed(e: Edits) -> int:
    return e.swap("wget -q", "|| exit 1", "|| true")


def _check_binary(e: Edits) -> int:
    begin = e.at("  qdrant:", 0)
    check = "      test: [CMD, curl, -f, 'http://localhost:6333/readyz']"
    return e.add(":6333", "    healthcheck:", check, begin=begin) + 1


def _no_check(e: Edits) -> int:
    return e.swap("qdrant: {cond", "service_started", "service_healthy")


def _typo_host(e: Edits) -> int:
    return e.swap("REDIS_URL", "@redis:", "@rediss:")


def _localhost(e: Edits) -> int:
    return e.swap("DATABASE_URL", "@postgres:5432", "@localhost:5432")


def _other_network(e: Edits) -> int:
    e.swap("networks: [back]", "[back]", "[front]", e.at("  postgres:", 0))
    e.add("networks:", "  front: {}", begin=e.at("networks:", len(e.lines) - 8))
    first = next(i for i, line in enumerate(e.lines) if "DATABASE_URL" in line)
    return first + 1


def _undefined_network(e: Edits) -> int:
    return e.swap("networks: [back]", "[back]", "[bakc]")


def _undefined_volume(e: Edits) -> int:
    return e.swap("redis-data:/data", "redis-data", "redis-dta", 0)


def _port_twice(e: Edits) -> int:
    other = e.lines[e.at("127.0.0.1:", e.at("  redis:", 0))].split(":")[1]
    line = e.lines[e.at("- 127.0.0.1:")]
    return e.swap("- 127.0.0.1:", line.split(":")[1], other)


def _name_twice(e: Edits) -> int:
    e.add("  redis:", "    container_name: shared", begin=0)
    e.begin += 1
    return e.add(f"  {e.name}:", "    container_name: shared")


def _wrong_password(e: Edits) -> int:
    e.swap(
        "POSTGRES_PASSWORD: ", "${POSTGRES_PASSWORD:?set it}", "${POSTGRES_PASSWORD:-one1two2}", 0
    )
    return e.swap("DATABASE_URL", "${POSTGRES_PASSWORD:?set it}", "another1")


def _wrong_user(e: Edits) -> int:
    return e.swap("DATABASE_URL", "//app:", "//admin:")


def _wrong_database(e: Edits) -> int:
    return e.swap("DATABASE_URL", ":5432/app", ":5432/other")


def _no_password(e: Edits) -> int:
    return e.swap("REDIS_URL", ":${REDIS_PASSWORD:?set it}@", "")


def _empty_password(e: Edits) -> int:
    return e.swap("--requirepass", ":?set it", ":-", 0)


def _shell(e: Edits) -> int:
    return e.swap("command: serve", "serve --port", "migrate && serve --port")


def _substitution(e: Edits) -> int:
    return e.add("    environment:", "      HOST_NAME: $(hostname)")


def _typo_dependency(e: Edits) -> int:
    return e.swap("redis: {cond", "redis:", "reddis:")


def _typo_key(e: Edits) -> int:
    return e.swap("    ports:", "ports:", "port:")


def _duplicate_key(e: Edits) -> int:
    return e.add("    command:", "    command: again")


def _all_interfaces(e: Edits) -> int:
    return e.swap("127.0.0.1:", "127.0.0.1:", "", e.at("  postgres:", 0))


def _floating(e: Edits) -> int:
    return e.swap("image: redis", "redis:7.4", "redis:latest", 0)


def _secret(e: Edits) -> int:
    return e.add("    environment:", "      GITHUB_TOKEN: ghp_0123456789abcdefghijABCDEFGHIJ012345")


def _short_secret(e: Edits) -> int:
    return e.add("    environment:", "      JWT_SECRET: tooshort")


def _unset(e: Edits) -> int:
    return e.add("    environment:", "      API_TOKEN: ${NOBODY_SETS_THIS}")


def _loopback(e: Edits) -> int:
    return e.swap("command: serve", "serve --port", "serve --host 127.0.0.1 --port")


def _browser(e: Edits) -> int:
    upstream = e.lines[e.at("UPSTREAM_URL")].split("URL: ", 1)[1]
    return e.add("    environment:", f"      VITE_API_URL: {upstream}")


def _circle(e: Edits) -> int:
    first = next(i for i, line in enumerate(e.lines) if line.startswith("  s0-"))
    e.lines[first + 9 : first + 9] = [f"      {e.name}: {{condition: service_started}}"]
    return first + 10


def _no_image(e: Edits) -> int:
    index = e.at("    image:")
    del e.lines[index]
    return e.begin + 1


def _misfit(e: Edits) -> int:
    return e.swap("postgres-data:/var", "/var/lib/postgresql/data", "/data/postgres", 0)


def _undeclared(e: Edits) -> int:
    e.begin = next(i for i, line in enumerate(e.lines) if line.startswith("  s0-"))
    del e.lines[e.at("      qdrant: {cond")]
    return e.at("QDRANT_URL") + 1


DEFECTS: tuple[tuple[str, Callable[[Edits], int]], ...] = (
    ("url-port", _wrong_port), ("url-port", _host_port_in_url), ("url-port", _neighbour_port),
    ("published-unheard", _unheard), ("health-port", _check_port),
    ("health-nothing", _check_nothing), ("health-nothing", _check_swallowed),
    ("health-binary", _check_binary), ("healthy-without-check", _no_check),
    ("unknown-host", _typo_host), ("localhost-elsewhere", _localhost),
    ("networks-apart", _other_network), ("undefined", _undefined_network),
    ("undefined", _undefined_volume), ("host-port-twice", _port_twice),
    ("container-name-twice", _name_twice), ("credentials-differ", _wrong_password),
    ("credentials-differ", _wrong_user), ("credentials-differ", _wrong_database),
    ("url-password", _no_password), ("auth-off", _empty_password), ("shell-syntax", _shell),
    ("interpolation", _substitution), ("depends-unknown", _typo_dependency),
    ("unknown-key", _typo_key), ("yaml", _duplicate_key), ("open-to-all", _all_interfaces),
    ("floating-tag", _floating), ("secret-in-file", _secret), ("jwt", _short_secret),
    ("variable-unset", _unset), ("loopback-bind", _loopback), ("browser-url", _browser),
    ("depends-unknown", _circle), ("cannot-load", _no_image), ("image-misfit", _misfit),
    ("dependency-undeclared", _undeclared),
)  # fmt: skip


def planted(seed: int) -> Planted:
    """Return a valid project, the same with one defect, its line, and the rule to find it."""
    chance = random.Random(seed)
    before = valid(seed, 3 + seed % 8)
    rule, plant = DEFECTS[seed % len(DEFECTS)]
    edits = Edits(before["compose.yaml"].splitlines(), chance)
    line = plant(edits)
    return before, {**before, "compose.yaml": "\n".join(edits.lines) + "\n"}, line, rule
