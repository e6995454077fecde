"""What the front changes in the head of a request and of an answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import h11

from alfred_dev.tunnel.guard import FORGED
from alfred_dev.tunnel.model import TunnelSpec

Event = Any
# Of one connection alone, as RFC 9110 has it; `Expect` was answered by the front.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate",
     "te", "expect", "upgrade"}
)  # fmt: skip


def pairs(head: Event) -> list[tuple[str, str]]:
    """Return header lines as text, names in lower case."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]


def mounted(target: str, mounts: Mapping[str, int]) -> tuple[int, str] | None:
    """Return the port of the front that ``target`` lies below, and its target there."""
    for mount, port in mounts.items():
        rest = target.removeprefix(mount)
        if target.startswith(mount) and rest[:1] in ("", "/", "?"):
            return port, rest if rest.startswith("/") else f"/{rest}"
    return None


def outgoing(head: Event, spec: TunnelSpec, url: str, client: str) -> Event:
    """Return the request that the service gets."""
    upgrade = _upgrades(head)
    drop = {*HOP_BY_HOP, *_named_by_connection(head)}
    if spec.guard.user:
        drop.add("authorization")  # the tunnel's password is not the service's business
    if any(name == b"transfer-encoding" for name, _ in head.headers):
        drop.add("content-length")
    headers = [(b"Host", spec.host.encode())]
    for raw, value in head.headers.raw_items():
        name = raw.decode("latin-1").lower()
        if name == "host":
            continue
        if name == "origin" and _same_origin(value.decode("latin-1"), url):
            headers.append((raw, own_origin(spec).encode()))
        elif name not in drop and not _says_who_calls(name):
            headers.append((raw, value))
    if upgrade:
        headers += [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade)]
    headers += _forwarded(url, client)
    return h11.Request(method=head.method, target=head.target, headers=headers)


def _says_who_calls(name: str) -> bool:
    """Whether a header speaks of the client; many servers read x_user as x-user."""
    plain = name.replace("_", "-")
    return plain in FORGED or plain.startswith("x-forwarded-")


def _forwarded(url: str, client: str) -> list[tuple[bytes, bytes]]:
    parts = urlsplit(url)
    found = {
        "X-Forwarded-For": client,
        "X-Forwarded-Proto": parts.scheme,
        "X-Forwarded-Host": parts.netloc,
    }
    return [(name.encode(), value.encode()) for name, value in found.items() if value]


def incoming(answer: Event, spec: TunnelSpec, url: str) -> Event:
    """Return the answer that the caller gets: redirects lead to where the caller came from."""
    drop = HOP_BY_HOP if answer.status_code != 101 else frozenset()
    headers = []
    for raw, value in answer.headers.raw_items():
        name = raw.decode("latin-1").lower()
        if name == "location":
            value = _public(value.decode("latin-1"), spec, url).encode("latin-1")
        if name not in drop:
            headers.append((raw, value))
    kind = type(answer)
    return kind(status_code=answer.status_code, headers=headers, reason=answer.reason)


def own_origin(spec: TunnelSpec) -> str:
    """Return the origin that the service takes for its own pages'."""
    return spec.origin or f"http://{spec.host}"


def _public(location: str, spec: TunnelSpec, url: str) -> str:
    for own in (own_origin(spec), f"http://{spec.host}", f"https://{spec.host}"):
        if url and (location == own or location.startswith(f"{own}/")):
            return url.rstrip("/") + location.removeprefix(own)
    return location


def _same_origin(origin: str, url: str) -> bool:
    parts = urlsplit(url)
    return bool(url) and origin.lower() == f"{parts.scheme}://{parts.netloc}".lower()


def _upgrades(head: Event) -> bytes:
    """Return ``websocket`` as the caller spells it, empty for none.

    No other protocol: requests inside of it would be judged by nobody (h2c).
    """
    found = dict(head.headers)
    wants = b"upgrade" in found.get(b"connection", b"").lower()
    protocol = bytes(found.get(b"upgrade", b""))
    return protocol if wants and protocol.lower() == b"websocket" else b""


def _named_by_connection(head: Event) -> set[str]:
    named = [value for name, value in pairs(head) if name == "connection"]
    return {word.strip().lower() for value in named for word in value.split(",")}
