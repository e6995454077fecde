"""Who may come in: every rule about what a tunnel shows, and to whom. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from alfred_dev.errors import UsageError
from alfred_dev.tunnel.model import Guard, TunnelSpec

if TYPE_CHECKING:
    from alfred_dev.catalog.model import Catalog, Service

# First words of path segments that no tunnel shows, whatever service has them.
DENIED = frozenset({"admin", "token", "tokens", "consent", "oauth", "oauth2", "metrics"})
DECODINGS = 3
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
# What says who calls: a client's own words about it go no further than the front.
FORGED = frozenset(
    {"forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-id", "x-user",
     "x-role", "x-scope", "x-alfred-gateway"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not let in. ``challenge``: ask for the password."""

    status: int
    code: str
    message: str
    challenge: bool = False


def find(catalog: Catalog, name: str) -> Service | None:
    """Return the service that ``name`` may show; None for the API. Raises UsageError.

    ``name``: an id, an alias, or the label of a host (``ui``).
    """
    from alfred_dev.hostnames import API, AUTH, DASHBOARD

    if name == API:
        return None
    if name in (AUTH, DASHBOARD):
        cause = "it is our own, and no option changes that"
        raise refused(f"{name} is never shown to the world", cause, [_examples(catalog)])
    for service in catalog.entries.values():
        if name in (service.id, *service.aliases, *service.hosts):
            return _showable(catalog, service)
    from alfred_dev.catalog.schema import did_you_mean  # the front needs none of it

    known = [n for s in catalog.entries.values() for n in (s.id, *s.aliases, *s.hosts)]
    raise UsageError(
        "unknown-service",
        f"there is no service {name}",
        cause=f"the catalog does not have it{did_you_mean(name, [*known, API])}",
        fix=[_examples(catalog)],
    )


def _showable(catalog: Catalog, service: Service) -> Service:
    if service.tunnelable:
        return service
    own = not service.helper and service.where.file == "alfred.yaml"
    cause = "the catalog does not mark it as tunnelable, and no option changes that"
    fix = [f"tunnelable: true   (in services.{service.id} of alfred.yaml)"] if own else []
    raise refused(
        f"{service.id} is never shown to the world" if not own else f"{service.id} is not shown",
        cause if not own else "alfred.yaml adds it, and does not say that it may be shown",
        [*fix, _examples(catalog)],
    )


def _examples(catalog: Catalog) -> str:
    from alfred_dev.hostnames import API

    names = [s.id for s in catalog.entries.values() if s.tunnelable]
    return f"one of {', '.join([API, *names])}"


def refused(what: str, cause: str, fix: Sequence[str] = ()) -> UsageError:
    """Return the guard's no; nothing was opened."""
    return UsageError("tunnel-refused", what, cause=cause, fix=fix)


def check_path(path: str) -> str:
    """Return ``--path`` as the guard keeps it. Raises UsageError for what is never shown."""
    if not path.startswith("/") or "?" in path or "#" in path or "%" in path:
        raise UsageError(
            "usage",
            f"--path {path} is not understood",
            cause="expected a path that begins with /, without ? # or %",
            fix=["--path /webhooks/slack"],
        )
    found = path_refusal(path, Guard())
    if found is not None:
        raise refused(f"{path} is never shown to the world", found.message, ["another --path"])
    return path.rstrip("/")


def check_networks(texts: Sequence[str]) -> tuple[str, ...]:
    """Return networks in their usual form. Raises UsageError."""
    try:
        return tuple(str(ipaddress.ip_network(text, strict=False)) for text in texts)
    except ValueError as error:
        raise UsageError(
            "usage",
            "--allow-cidr is not understood",
            cause=str(error),
            fix=["--allow-cidr 203.0.113.0/24"],
        ) from error


def with_password(user: str, password: str, salt: str) -> dict[str, Any]:
    """Return what a guard keeps of a password: a random one of 128 bits needs no slow hash."""
    return {"user": user, "salt": salt, "digest": digest(user, password, salt)}


def digest(user: str, password: str, salt: str) -> str:
    """Return the salted digest of a name and its password."""
    return hashlib.sha256(f"{salt}\0{user}\0{password}".encode()).hexdigest()


def judge(
    method: str,
    target: str,
    headers: Mapping[str, str],
    *,
    spec: TunnelSpec,
    client: str,
    now: float,
) -> Refusal | None:
    """Judge the head of a request; None lets it in. The signature is checked when the body is in.

    ``headers``: names in lower case; ``client``: the caller's address, empty when not known.
    """
    guard = spec.guard
    if now >= spec.expires_at:
        return Refusal(status=410, code="tunnel-ended", message="this tunnel has ended")
    # What stands behind a # is no part of a request: servers that cut it off would ask for less.
    if method in ("CONNECT", "TRACE") or not target.startswith("/") or "#" in target:
        return Refusal(status=400, code="bad-request", message="this is no request to a service")
    if (found := path_refusal(target.partition("?")[0], guard)) is not None:
        return found
    if guard.networks and not _within(client, guard.networks):
        return Refusal(status=403, code="not-allowed", message="your address is not allowed")
    if guard.user and not _knows_password(headers.get("authorization", ""), guard):
        return Refusal(
            status=401, code="password-needed", message="a password is needed", challenge=True
        )
    return None


def path_refusal(path: str, guard: Guard) -> Refusal | None:
    """Judge a path as any server behind might read it: decoded, and decoded again."""
    readings = [path]
    for _ in range(DECODINGS):
        readings.append(unquote(readings[-1], encoding="utf-8", errors="replace"))
    if readings[-1] != readings[-2] or any(_FORBIDDEN.search(r) for r in readings):
        return Refusal(status=400, code="bad-path", message="this path cannot be read safely")
    segments = [[s.partition(";")[0] for s in r.split("/")] for r in readings]
    if any(s in (".", "..") for found in segments for s in found):
        return Refusal(status=400, code="bad-path", message="this path cannot be read safely")
    hidden = Refusal(status=404, code="not-shown", message="this path is not shown to the world")
    if any(_first_word(s) in DENIED for found in segments for s in found):
        return hidden
    inside = all(r == guard.path or r.startswith(f"{guard.path}/") for r in readings)
    return None if not guard.path or inside else hidden


def _first_word(segment: str) -> str:
    return re.split(r"[.:,]", segment.lower().strip("_-~ "))[0]


def _within(client: str, networks: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    found = mapped or address
    return any(found in ipaddress.ip_network(text) for text in networks)


def _knows_password(authorization: str, guard: Guard) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(digest(user, password, guard.salt), guard.digest)


def client_of(headers: Sequence[tuple[str, str]], *, trusted: bool) -> str:
    """Return the client's address: the last hop's own word, where that hop is trusted.

    What stands before it in X-Forwarded-For, the client may have written itself.
    """
    said = [value for name, value in headers if name == "x-forwarded-for"]
    return said[-1].rpartition(",")[2].strip() if said and trusted else ""
