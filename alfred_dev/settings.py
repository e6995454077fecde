"""Settings: every key of .env, resolved over its layers; each value knows where it came from.

Layers, the strongest first: flag, environment, --env-file, .env.local, .env, default. An empty
value of a key that has a default or is made at random counts as not given.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alfred_dev.errors import ConfigError, Problem
from alfred_dev.secrecy import MIN_SECRET as MIN_SECRET
from alfred_dev.secrecy import masked as masked
from alfred_dev.secrecy import url_quoted as url_quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key. ``generated``: made at random on first use; ``secret``: never shown."""

    key: str
    about: str
    default: str = ""
    secret: bool = False
    generated: bool = False
    guards: str | None = None  # the service whose data is bound to this value
    pattern: str = ""  # what a value must be, in full
    expected: str = ""  # the same in words


SETTINGS = (
    Setting(
        key="POSTGRES_PASSWORD",
        about="Password of the user postgres. Postgres keeps it with its data.",
        secret=True,
        generated=True,
        guards="db-postgres",
    ),
    Setting(
        key="REDIS_PASSWORD",
        about="Password that Redis asks for.",
        secret=True,
        generated=True,
        guards="redis",
    ),
    Setting(
        key="MONITORING_ADMIN_PASSWORD",
        about="Password of Grafana's user admin. Grafana keeps it with its data.",
        secret=True,
        generated=True,
        guards="monitoring-dashboard",
    ),
    Setting(
        key="DB_JWT_SECRET",
        about="Signs the platform's own HS256 tokens; at least 32 characters.",
        secret=True,
        generated=True,
        pattern=r".{32,}",
        expected="at least 32 characters",
    ),
    Setting(
        key="ALFRED_RAG_API_KEY",
        about="What agents show to agent-rag.",
        secret=True,
        generated=True,
    ),
    Setting(
        key="ALFRED_GATEWAY_SECRET",
        about="What the gateway shows to services, so that they can believe its headers.",
        secret=True,
        generated=True,
        pattern=r"[A-Za-z0-9_-]{16,}",
        expected="at least 16 letters, digits, _ and -",
    ),
    Setting(
        key="ALFRED_PROJECT_ID",
        about="Google Cloud project name that the Pub/Sub emulator is asked for.",
        default="alfred-agent-platform",
        pattern=r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
        expected="6 to 30 small letters, digits and hyphens",
    ),
    Setting(
        key="ALFRED_ENVIRONMENT",
        about="What the services call this environment.",
        default="development",
    ),
    Setting(
        key="ALFRED_DEBUG",
        about="true or false: debug mode of the services.",
        default="false",
        pattern="true|false",
        expected="true or false",
    ),
    Setting(
        key="ALFRED_LOG_LEVEL",
        about="DEBUG, INFO, WARNING or ERROR: log level of the services.",
        default="INFO",
        pattern="DEBUG|INFO|WARNING|ERROR",
        expected="DEBUG, INFO, WARNING or ERROR",
    ),
    Setting(
        key="ALFRED_METRICS_INTERVAL",
        about="Seconds between two looks of Prometheus, 1 to 60; alerts are as quick as that.",
        default="15",
        pattern="[1-9]|[1-5][0-9]|60",
        expected="1 to 60",
    ),
    Setting(
        key="ALFRED_OPENAI_API_KEY",
        about="Optional: nothing needs a key to start.",
        secret=True,
    ),
    Setting(
        key="ALFRED_ANTHROPIC_API_KEY",
        about="Optional: nothing needs a key to start.",
        secret=True,
    ),
    Setting(
        key="NGROK_AUTHTOKEN",
        about="Token of your ngrok account, for alfred-dev tunnel. Empty: ngrok's own file.",
        secret=True,
    ),
    Setting(
        key="ALFRED_TUNNEL_SSH_HOST",
        about="USER@HOST for alfred-dev tunnel --provider ssh, where --ssh-host is not given.",
    ),
    Setting(
        key="SLACK_SIGNING_SECRET",
        about="Checks Slack's signature: alfred-dev tunnel --verify slack.",
        secret=True,
    ),
    Setting(
        key="GITHUB_WEBHOOK_SECRET",
        about="Checks GitHub's signature: alfred-dev tunnel --verify github.",
        secret=True,
    ),
    Setting(
        key="ALFRED_RUNTIME",
        about="auto, docker or process: what runs the services.",
        default="auto",
    ),
    Setting(
        key="ALFRED_IMAGE_REGISTRY",
        about="A registry in front of every image of the Docker runtime: HOST[:PORT][/PATH].",
        pattern=r"[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._/-]+)?",
        expected="HOST, HOST:PORT or HOST:PORT/PATH",
    ),
    Setting(
        key="ALFRED_SLOT",
        about="0 to 5 or auto: which set of ports. Empty: the one this checkout has, else 0.",
    ),
    Setting(
        key="ALFRED_WAIT_TIMEOUT",
        about="Seconds that up waits for everything to be healthy.",
        default="120",
        pattern=r"(?=.*[1-9])[0-9]{1,5}(\.[0-9]+)?",
        expected="seconds, more than 0 and less than 100000",
    ),
)
BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}

# Other names under which the platform's services read the same setting.
TWINS: Mapping[str, tuple[str, ...]] = {
    "ALFRED_PROJECT_ID": ("ALFRED_PROJECT_ID", "PUBSUB_PROJECT_ID", "GOOGLE_CLOUD_PROJECT"),
}
# Programs that bring their own list of authorities read one of these: Node, Python's requests, and
# what is built on OpenSSL.
CA_VARIABLES = ("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
DEFAULT_DOMAIN = "dev.alfred-platform.example.com"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a layer, and ``file:line`` where the layer is a file."""

    layer: str
    where: str | None = None

    def __str__(self) -> str:
        return f"{self.layer} ({self.where})" if self.where else self.layer


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its origin and the weaker ones it hides, strongest first."""

    text: str
    origin: Origin
    shadowed: tuple[tuple[str, Origin], ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """The keys one place gives: key -> (text, where)."""

    name: str
    values: Mapping[str, tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, resolved. ``strays``: keys that look like a setting's, but are none."""

    values: Mapping[str, Value] = field(default_factory=dict)
    strays: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> str:
        return self.values[key].text

    def secrets(self) -> frozenset[str]:
        """Return every secret value that must not be shown, in clear and percent-encoded."""
        known = (self.values.get(s.key) for s in SETTINGS if s.secret)
        clear = {value.text for value in known if value and len(value.text) >= MIN_SECRET}
        return frozenset(clear | {url_quoted(text) for text in clear})


# How alike two names must be for one to be a slip of the other.
NEAR = 0.9
# Names that others read beside ours in the same file.
ALSO_KNOWN = frozenset({"POSTGRES_PASSWORD_URL", "REDIS_PASSWORD_URL"})


def resolve(layers: Sequence[Layer]) -> Settings:
    """Resolve every known setting over ``layers`` (strongest first); defaults come last."""
    resolved: dict[str, Value] = {}
    for setting in SETTINGS:
        found = [
            (layer.values[setting.key][0], Origin(layer.name, layer.values[setting.key][1]))
            for layer in layers
            if layer.values.get(setting.key, ("",))[0]
        ]
        found.append((setting.default, Origin("default")))
        (text, origin), *shadowed = found
        resolved[setting.key] = Value(text, origin, tuple(shadowed))
    return Settings(resolved, _strays(layers))


def _strays(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return keys in files that are one slip away from a setting, each with its place."""
    found = []
    for layer in layers:
        for key, (_, where) in layer.values.items():
            near = difflib.get_close_matches(key, BY_KEY, n=1, cutoff=NEAR)
            if where is not None and key not in BY_KEY and near and key not in ALSO_KNOWN:
                found.append(f"{where}: nobody reads {key} (did you mean {near[0]}?)")
    return tuple(found)


def check(settings: Settings) -> None:
    """Refuse values that cannot be. Raises ConfigError with all of them, secrets unseen."""
    problems = []
    for setting in SETTINGS:
        value = settings.values[setting.key]
        if setting.pattern and value.text and not re.fullmatch(setting.pattern, value.text):
            found = "another" if setting.secret else repr(value.text)
            file, _, line = (value.origin.where or "").rpartition(":")
            problems.append(
                Problem(
                    file or value.origin.layer,
                    int(line or 1),
                    1,
                    f"{setting.key}: expected {setting.expected}, found {found}",
                )
            )
    if problems:
        fix = ["alfred-dev config show   (every setting and where it comes from)"]
        raise ConfigError("a setting cannot be used", problems, fix=fix)
