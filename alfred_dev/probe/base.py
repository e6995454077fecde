"""The nouns of a probe: who is asked, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.errors import UsageError

# What a URL means that names no port: the protocols' own assignments, none of ours.
DEFAULT_PORTS = {"http": 80, "postgresql": 5432, "postgres": 5432, "redis": 6379, "smtp": 25}
SCHEMES = frozenset({*DEFAULT_PORTS, "grpc", "tcp", ""})


class Reason(StrEnum):
    """Class of an answer, for whoever looks for the root cause."""

    OK = "ok"
    REFUSED = "refused"  # nothing listens there
    TIMEOUT = "timeout"  # no complete answer in time
    RESET = "reset"  # the connection ended before the answer did
    PROTOCOL = "protocol"  # something else speaks there
    STATUS = "status"  # it speaks the protocol and says that it is not well
    AUTH = "auth"  # the password is wrong, missing, or not asked for
    STARTING = "starting"  # it says itself that it is not ready now
    OTHER = "other"  # the operating system's own words are in the detail


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one probe found. ``detail`` is one short printable line without secrets.

    ``latency_ms``: wall-clock milliseconds of the whole conversation, 0 where nobody measured.
    """

    ok: bool
    detail: str
    latency_ms: float = 0.0
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One endpoint to ask, with what the question needs.

    ``path``: of an http probe; ``project``: of a pubsub probe; ``user`` and ``database``: of a
    postgres probe; an empty ``password``: none is expected to be needed.
    """

    kind: ProbeKind
    host: str
    port: int
    path: str = "/"
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    project: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, kind: ProbeKind, url: str, *, path: str = "/", project: str = "") -> Self:
        """Read an endpoint variable: a URL of that kind, or ``host:port``.

        User, password and database are percent-decoded; ``path`` is appended to the path of an
        http URL. Raises UsageError, which does not show the password.
        """
        try:
            parts = urlsplit(url if "://" in url else f"//{url}")
            port = parts.port or DEFAULT_PORTS.get(parts.scheme)
        except ValueError:  # its message may quote the password
            raise _not_an_address("it is neither a URL nor host:port") from None
        if parts.scheme not in SCHEMES:
            raise _not_an_address(f"no probe speaks {parts.scheme}")
        if not parts.hostname or not port:
            raise _not_an_address(f"it names no {'port' if parts.hostname else 'host'}")
        is_http = kind in (ProbeKind.HTTP, ProbeKind.PUBSUB)
        return cls(
            kind=kind,
            host=parts.hostname,
            port=port,
            path=parts.path.rstrip("/") + path if is_http else path,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database="" if is_http else _database(parts),
            project=project,
        )


def well(detail: str) -> ProbeResult:
    """Return the result of a target that answered as it should."""
    return ProbeResult(ok=True, detail=detail, reason=Reason.OK)


def ill(reason: Reason, detail: str) -> ProbeResult:
    """Return the result of a target that did not."""
    return ProbeResult(ok=False, detail=detail, reason=reason)


def _database(parts: SplitResult) -> str:
    return unquote(parts.path.removeprefix("/"))


def _not_an_address(cause: str) -> UsageError:
    return UsageError(
        "address-invalid",
        "an endpoint variable cannot be read",
        cause=cause,
        fix=["alfred-dev env   (prints every endpoint as it should be)"],
    )
