"""Who is calling, as the gateway says it. Believed only with the secret that the gateway has.

Anybody on this machine can set headers on a service's own port; nobody but the gateway knows
what it shows beside them.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass

SECRET = "ALFRED_GATEWAY_SECRET"  # noqa: S105 - the name of a setting
SIGNED = "x-alfred-gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """``verified``: the gateway has let them in; else nothing is known of them."""

    verified: bool
    user: str = ""
    role: str = ""
    scope: str = ""
    client: str = ""

    def as_json(self) -> dict[str, object]:
        """Return what a service tells of it."""
        return asdict(self)


def caller(headers: Mapping[str, str], secret: str) -> Caller:
    """Return who is calling. Without a ``secret`` of its own a service believes nobody."""
    shown = headers.get(SIGNED, "")
    if not secret or not hmac.compare_digest(shown.encode(), secret.encode()):
        return Caller(verified=False)
    return Caller(
        verified=True,
        user=headers.get("x-user", ""),
        role=headers.get("x-role", ""),
        scope=headers.get("x-scope", ""),
        client=headers.get("x-client-id", ""),
    )
