"""Whom the gateway lets in, and how much of each: what it needs besides the catalog. Pure nouns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AUDIENCE = "alfred-api"
ROLES = ("admin", "user")
MAX_TTL_S = 3600
"""No token lives longer; the gateway refuses one that would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests a minute. Refilled all the time: from rest, a burst of as many goes through.

    ``ip``: of one client address; ``auth``: of one client address on token, log-in and consent
    paths; ``user``: of one user's tokens; ``client``: of one API key; ``overall``: of all.
    """

    ip: int = 1000
    auth: int = 60
    user: int = 600
    client: int = 600
    overall: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program that calls with an API key."""

    name: str
    role: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A chain and its key, both PEM."""

    chain: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the gateway enforces.

    ``certificate``: for every name; ``loopback``: for https://127.0.0.1, where there is one;
    ``jwks``: our issuer's public keys as JSON; ``secret``: what the gateway shows to services so
    that they can believe its headers; ``origins``: other sites whose pages may call the API;
    ``versions``: service -> version -> the service that has it; ``addresses``: where it listens.
    """

    certificate: Certificate
    loopback: Certificate | None = None
    jwks: str
    secret: str = field(repr=False)
    clients: tuple[Client, ...] = ()
    origins: tuple[str, ...] = ()
    limits: Limits = Limits()
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    addresses: tuple[str, ...] = ("127.0.0.1",)
