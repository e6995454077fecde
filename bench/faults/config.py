"""Faults of settings, files and drift."""

from __future__ import annotations

from bench.faults.record import Fault, fault
from bench.faults.ways import dotenv, mode, project, shell, told, valued, without
from bench.faults.world import Undo, World


def louder(world: World) -> Undo:
    world.variable("ALFRED_LOG_LEVEL", "DEBUG")
    return world.edit(".env", lambda text: text + "ALFRED_LOG_LEVEL=INFO\n")


FAULTS: tuple[Fault, ...] = (
    fault("E01", ".env is gone", "setting-missing", lambda w: w.move(".env"), touches=".env",
          pair=False),
    fault("E02", "a required variable is empty", "setting-missing",
          dotenv(valued("REDIS_PASSWORD", "")), touches=".env"),
    fault("X07", ".env lost a key", "setting-missing", dotenv(without("DB_JWT_SECRET")),
          touches=".env"),
    fault("E05", "a shell variable beats .env", "password-mismatch env-shadowed",
          shell("POSTGRES_PASSWORD", "old-value"), touches="db-postgres shell",
          subjects="POSTGRES_PASSWORD db-postgres"),
    fault("Q09", "the shell's log level beats .env", "env-shadowed settings-changed",
          louder,
          touches="shell .env", pair=False),
    fault("E03", "wrong database password in one URL", "endpoint-wrong",
          told("agent-core", "ALFRED_DATABASE_URL", "postgresql://postgres:postgres@127.0.0.1:5432/postgres"),
          touches="alfred.yaml agent-core", subjects="agent-core"),
    fault("E07", "special characters in a URL's password", "endpoint-wrong",
          told("model-registry", "ALFRED_DATABASE_URL", "postgresql://postgres:p@ss/1#x@127.0.0.1:5432/postgres"),
          touches="alfred.yaml model-registry", subjects="model-registry"),
    fault("E08", "Redis URL without the password", "endpoint-wrong",
          told("agent-rag", "ALFRED_REDIS_URL", "redis://127.0.0.1:6379/0"),
          touches="alfred.yaml agent-rag", subjects="agent-rag"),
    fault("E12", "a URL with another port", "endpoint-wrong",
          told("model-router", "MODEL_REGISTRY_URL", "http://127.0.0.1:18079"),
          touches="alfred.yaml model-router", subjects="model-router"),
    fault("F01", "hop 2 of a chain is broken", "endpoint-wrong",
          told("agent-core", "ALFRED_MODEL_ROUTER_URL", "http://127.0.0.1:8079/nowhere"),
          touches="alfred.yaml agent-core", subjects="agent-core"),
    fault("Q10", "a host that does not resolve", "endpoint-wrong",
          told("ui-chat", "ALFRED_API_URL", "http://no-such-host.invalid:8011"),
          touches="alfred.yaml ui-chat", subjects="ui-chat"),
    fault("V09", "a URL names a database that is not there", "endpoint-wrong",
          told("agent-legal", "ALFRED_DATABASE_URL", "postgresql://postgres:PASSWORD@127.0.0.1:5432/alfred"),
          touches="alfred.yaml agent-legal", subjects="agent-legal"),
    fault("E15", "a tab in alfred.yaml", "config-invalid", project("services:\n\tredis: {}\n"),
          touches="alfred.yaml", mends="what the file should say is the user's to know"),
    fault("Q11", "an unknown key in alfred.yaml", "config-invalid",
          project("servces:\n  redis: {}\n"), touches="alfred.yaml",
          mends="what the file should say is the user's to know"),
    fault("Q12", "a line of .env is no assignment", "config-invalid",
          dotenv(lambda t: t + "this is not an assignment\n"), touches=".env"),
    fault("E11", "a JWT secret that is too short", "config-invalid",
          dotenv(valued("DB_JWT_SECRET", "short")), touches=".env"),
    fault("E20", "a placeholder was never filled in", "env-untidy",
          dotenv(valued("ALFRED_OPENAI_API_KEY", "CHANGE_ME_please")), touches=".env"),
    fault("E22", ".env with CRLF", "env-untidy",
          lambda w: w.edit(".env", lambda t: t.replace("\n", "\r\n")), touches=".env"),
    fault("Q13", "a key stands twice in .env", "env-untidy",
          dotenv(lambda t: "ALFRED_LOG_LEVEL=INFO\n" + t + "ALFRED_LOG_LEVEL=INFO\n"),
          touches=".env"),
    fault("Q14", "a misspelt setting", "key-unknown",
          dotenv(lambda t: t + "ALFRED_LOG_LEVLE=DEBUG\n"), touches=".env"),
    fault("Q15", "others may read .env", "files-open", mode(".env", 0o644), touches="mode"),
    fault("X01", ".env changed, services not restarted", "settings-changed",
          dotenv(lambda t: t + "ALFRED_LOG_LEVEL=DEBUG\n"), touches=".env"),
    fault("X02", "alfred.yaml changed, services not restarted", "settings-changed",
          project("services:\n  ui-chat:\n    env: {EXTRA: '1'}\n"), touches="alfred.yaml ui-chat"),
    fault("Q16", "a rendered file was edited", "render-changed",
          lambda w: w.edit(".alfred/render/prometheus/prometheus.yml", lambda t: t + "# x\n"),
          touches="render"),
    fault("Q17", "the state file is torn", "state-torn",
          lambda w: w.edit(".alfred/state.json", lambda t: t[:10]), touches="state"),
)  # fmt: skip
