"""Tokens that have expired, are signed with another key, or with a weak one."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.tree import HOLE

TOKEN = re.compile(r"eyJ[\w-]{5,2000}\.(eyJ[\w-]{5,4000})\.([\w-]{0,2000})")
SECRET = re.compile(r"JWT_?SECRET|JWT_KEY|JWT_SIGNING_KEY", re.IGNORECASE)
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
SHORTEST = 32
MAX_TOKENS, MAX_SECRETS = 100, 20
DAY = 86_400


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a token, one a secret."""
    secrets = _secrets(project)
    for token, places in list(_tokens(project).items())[:MAX_TOKENS]:
        reason = judged(token, list(secrets)[:MAX_SECRETS], context.now)
        if reason:
            yield RULE.found(
                reason, *(w for _, w in places), service=places[0][0],
                fix="mint it anew with the secret of this project",
            )  # fmt: skip
    for secret, uses in secrets.items():
        if 0 < len(secret.encode()) < SHORTEST:
            yield RULE.found(
                f"{', '.join(dict.fromkeys(k for k, _, _ in uses))} has {len(secret.encode())} "
                f"bytes: HS256 needs {SHORTEST}",
                *(w for _, _, w in uses), service=uses[0][1], severity=Severity.ERROR,
                fix="openssl rand -hex 32",
            )  # fmt: skip


def _tokens(project: Project) -> dict[str, list[tuple[str, Where]]]:
    found: dict[str, list[tuple[str, Where]]] = {}
    for service in project.services.values():
        for variable in service.environment.values():
            for match in TOKEN.finditer((variable.text or "")[:20_000]):
                found.setdefault(match.group(), []).append((service.name, variable.where))
    for setting in project.env.values.values() if project.env else ():
        for match in TOKEN.finditer(setting.value[:20_000]):
            if match.group() not in found:
                found.setdefault(match.group(), []).append((setting.where.file, setting.where))
    return found


def _secrets(project: Project) -> dict[str, list[tuple[str, str, Where]]]:
    """Return every known secret that tokens are signed with: where it stands."""
    found: dict[str, list[tuple[str, str, Where]]] = {}
    for service in project.services.values():
        for name, variable in service.environment.items():
            text = variable.text
            if (
                SECRET.search(name)
                and text
                and HOLE not in text
                and not text.startswith(("/", "-----"))
            ):
                found.setdefault(text, []).append((name, service.name, variable.where))
    return found


def _part(text: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None


def judged(token: str, secrets: list[str], now: float) -> str | None:
    """Say what is wrong with a token; its text is never repeated."""
    head, claims = (_part(part) for part in token.split(".")[:2])
    if not isinstance(head, dict) or not isinstance(claims, dict):
        return None
    who = f"the token ({claims.get('role') or claims.get('sub') or claims.get('iss') or 'JWT'})"
    who = re.sub(r"[^\w ().:/-]", "?", who)[:80]
    if str(head.get("alg")).lower() == "none":
        return f"{who} has no signature: alg is none"
    expires = claims.get("exp")
    if isinstance(expires, int | float) and expires < now:
        return f"{who} expired {int(min((now - expires) // DAY, 99_999))} days ago"
    hashing = HASHES.get(str(head.get("alg")))
    if hashing and secrets and not any(_signed(token, s, hashing) for s in secrets):
        return f"{who} is not signed with any JWT secret of this project"
    return None


def _signed(token: str, secret: str, hashing: Any) -> bool:
    body, _, signature = token.rpartition(".")
    made = hmac.new(secret.encode(), body.encode(), hashing).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode() == signature


BAD = """\
services:
  a:
    image: example/a:1
    environment: {JWT_SECRET: short}
"""
GOOD = """\
services:
  a:
    image: example/a:1
    environment: {JWT_SECRET: '${JWT_SECRET:?openssl rand -hex 32}'}
"""
RULE = Rule(
    code="jwt",
    title="A token that has expired, or is mis-signed or weakly signed",
    severity=Severity.ERROR,
    page="Keys that are copied from a tutorial expire, or belong to another secret: every call "
    "answers 401. A secret under 32 bytes is refused by PostgREST, and weak everywhere.",
    bad=BAD,
    good=GOOD,
    check=check,
)
