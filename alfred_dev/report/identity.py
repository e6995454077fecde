"""What ``token`` and ``apikey`` say as JSON. Secrets stand here only because that is their job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alfred_dev.access import Client
from alfred_dev.report.json import emit, schema

if TYPE_CHECKING:
    from alfred_dev.identity.keys import SigningKey
    from alfred_dev.identity.tokens import Token


def emit_token(token: Token) -> None:
    """Print a token with what it says."""
    ends = datetime.fromtimestamp(token.claims["exp"], UTC).isoformat()
    said = {"token": token.text, "expires_at": ends, "claims": token.claims}
    emit({"schema": schema("token"), **said})


def emit_keys(keys: Iterable[SigningKey]) -> None:
    """Print the ids of the published keys, the one that signs first."""
    rows = [
        {"kid": key.kid, "made_at": datetime.fromtimestamp(key.made_at, UTC).isoformat()}
        for key in keys
    ]
    emit({"schema": schema("token-rotate"), "ok": True, "keys": rows})


def emit_client(client: Client) -> None:
    """Print an API key that was just made."""
    said = {"name": client.name, "role": client.role, "key": client.key}
    emit({"schema": schema("apikey-create"), "ok": True, **said})


def emit_clients(clients: Iterable[Client]) -> None:
    """Print who has an API key."""
    rows = [{"name": client.name, "role": client.role} for client in clients]
    emit({"schema": schema("apikey-list"), "clients": rows})


def emit_revoked(name: str) -> None:
    """Print whose API key is gone."""
    emit({"schema": schema("apikey-revoke"), "ok": True, "name": name})
