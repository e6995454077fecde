"""Who may speak to a server on loopback: any web page can reach it, so names are checked.

An unknown Host is how DNS rebinding looks; an Origin of another site is a page reaching across.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from alfred_dev.embedded.metrics import ROUTE

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
REFUSED = "(refused)"
"""Route under which refused requests are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that are ours. ``suffixes``: every name below one of them is, too."""

    exact: frozenset[str]
    suffixes: tuple[str, ...]

    def __contains__(self, host: str) -> bool:
        below = (len(host) > len(s) and host.endswith(s) for s in self.suffixes)
        return host in self.exact or any(below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not let in."""

    status: int
    code: str
    message: str


def names(domain: str, services: Iterable[str]) -> Names:
    """Return the names under which a service with the names ``services`` may be called."""
    return Names(
        exact=frozenset({*LOOPBACK_NAMES, domain, *services}),
        suffixes=(f".{domain}", ".localhost"),
    )


def host_of(authority: str) -> str | None:
    """Return the host of ``host``, ``host:port``, ``[v6]:port``; None when it is none of them.

    In lower case, without a trailing dot and without brackets.
    """
    if any(c in authority for c in "/?#@\\ \t\r\n") or not authority.isascii():
        return None
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # raises when it is no number
        host = parts.hostname
    except ValueError:
        return None
    return host.removesuffix(".") or None if host else None


def refusal(hosts: Collection[str], origins: Collection[str], known: Names) -> Refusal | None:
    """Judge the Host and Origin headers of a request; None lets it in."""
    if len(hosts) != 1 or (host := host_of(*hosts)) is None:
        return Refusal(status=400, code="bad-host", message="one well-formed Host is needed")
    if host not in known:
        return Refusal(status=421, code="unknown-host", message=f"{host} is not a name of ours")
    if any(not _is_ours(origin, known) for origin in origins):
        return Refusal(
            status=403, code="cross-site", message="a page of another site may not call this"
        )
    return None


def _is_ours(origin: str, known: Names) -> bool:
    scheme, found, authority = origin.partition("://")
    host = host_of(authority) if found and scheme.lower() in ("http", "https") else None
    return host is not None and host in known


class GuardMiddleware:
    """Pure ASGI: turn away what ``refusal`` refuses, WebSockets before they open."""

    def __init__(self, app: ASGIApp, known: Names) -> None:
        self.app, self.known = app, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        refused = None
        if scope["type"] in ("http", "websocket"):
            refused = refusal(_all(scope, b"host"), _all(scope, b"origin"), self.known)
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused.message})
        else:
            scope[ROUTE] = REFUSED
            await _answer(refused, send)


def _all(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


async def _answer(refused: Refusal, send: Send) -> None:
    error = {"error": {"code": refused.code, "message": refused.message}}
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    body = json.dumps(error).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
