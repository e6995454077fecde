"""What a token says. Pure; the clock is given."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from alfred_dev.access import AUDIENCE, MAX_TTL_S
from alfred_dev.errors import UsageError
from alfred_dev.identity import keys
from alfred_dev.identity.keys import SigningKey

DEFAULT_TTL_S = 900
# What goes on to the services in a header of its own.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+:-]{0,127}")
ROLE = re.compile(r"[a-z][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a token is for. ``client``: the program that it was given to, empty for a person."""

    user: str
    role: str
    scope: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and what it says."""

    text: str
    claims: dict[str, Any]


def mint(subject: Subject, key: SigningKey, *, issuer: str, now: float, ttl_s: int) -> Token:
    """Return a token that is valid from now on for ``ttl_s`` seconds. Raises UsageError."""
    check(subject, ttl_s)
    at = int(now)
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": subject.user,
        "role": subject.role,
        **({"scope": " ".join(subject.scope.split())} if subject.scope.split() else {}),
        **({"client_id": subject.client} if subject.client else {}),
        "iat": at,
        "nbf": at,
        "exp": at + ttl_s,
        "jti": str(uuid.uuid4()),
    }
    return Token(text=keys.sign(claims, key), claims=claims)


def check(subject: Subject, ttl_s: int) -> None:
    """Refuse what no header can carry, and what lives too long. Raises UsageError."""
    words = {"user": (WORD, subject.user), "role": (ROLE, subject.role)}
    words |= {f"scope {word}": (WORD, word) for word in subject.scope.split()}
    for what, (pattern, value) in words.items():
        if not pattern.fullmatch(value):
            raise _refused(f"{what}: {value!r} is not of the form {pattern.pattern}")
    if not 1 <= ttl_s <= MAX_TTL_S:
        raise _refused(f"it would live {ttl_s} s; 1 to {MAX_TTL_S} are allowed")


def _refused(cause: str) -> UsageError:
    return UsageError("token-refused", "no token was made", cause=cause, fix=["alfred-dev token"])
