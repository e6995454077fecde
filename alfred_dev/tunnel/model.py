"""The nouns of a tunnel: what is shown, who may come in, and what is written down of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from alfred_dev.errors import TunnelError

PASSWORD, NETWORKS, GATEWAY, PUBLIC = "password", "cidr", "gateway", "public"


class State(StrEnum):
    """How far a tunnel is. ``LOST``: it was open and is being opened again."""

    OPENING = "opening"
    OPEN = "open"
    LOST = "lost"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Who may come in.

    ``path``: only this path and what lies below it, empty for all; ``user``, ``salt`` and
    ``digest``: a password by HTTP basic authentication; ``networks``: addresses of clients;
    ``verify``: whose signature each request must bear; ``gateway``: the gateway asks for a token
    or a key itself. None of these: open to everybody.
    """

    path: str = ""
    user: str = ""
    salt: str = ""
    digest: str = ""
    networks: tuple[str, ...] = ()
    verify: str = ""
    gateway: bool = False

    @property
    def protected_by(self) -> str:
        """Say it in a word or two."""
        words = [
            *([PASSWORD] if self.user else []),
            *([NETWORKS] if self.networks else []),
            *([f"{self.verify} signature"] if self.verify else []),
            *([GATEWAY] if self.gateway else []),
        ]
        return " + ".join(words) or PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelSpec:
    """All that the process behind a tunnel must know. No secret is in it.

    ``port``: where its front listens, 0 for any; ``upstream``: the service's port, called under
    the name ``host``; ``socket``: the gateway's (below ``home``), where that is called instead;
    ``origin``: what the service takes for its own pages, empty for ``http://`` and the host;
    ``health_path``: how the service is asked for health; ``nonce``: the part of the front's own
    health path that nobody can guess; ``home``: the checkout's ``.alfred``; ``trusts_client``:
    whether the last hop of X-Forwarded-For is the provider's word; ``search``, ``ssh_agent``:
    PATH and SSH_AUTH_SOCK of whoever opened it; ``hook``: what to run when the URL changes.
    """

    name: str
    service: str
    provider: str
    guard: Guard
    upstream: int
    host: str
    health_path: str
    expires_at: float
    nonce: str
    home: str
    port: int = 0
    domain: str = ""
    ssh_host: str = ""
    project: str = ""
    detached: bool = False
    trusts_client: bool = False
    socket: str = ""
    origin: str = ""
    ssh_agent: str = ""
    search: str = ""
    hook: tuple[str, ...] = ()

    @property
    def health_url(self) -> str:
        """The front's own health path."""
        return f"/.alfred-tunnel/{self.nonce}"

    def to_json(self) -> str:
        """Return the document that the process reads."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def encoded(self) -> str:
        """The document as one word, in which nothing looks like a placeholder."""
        return base64.b64encode(self.to_json().encode()).decode()

    @classmethod
    def from_encoded(cls, word: str) -> TunnelSpec:
        """Read ``encoded``. Raises ValueError, KeyError or TypeError."""
        return cls.from_json(base64.b64decode(word, validate=True).decode())

    @classmethod
    def from_json(cls, text: str) -> TunnelSpec:
        """Read what ``to_json`` wrote. Raises ValueError, KeyError or TypeError for others."""
        data = json.loads(text)
        guard = data.pop("guard")
        guard["networks"] = tuple(guard["networks"])
        return cls(**{**data, "guard": Guard(**guard), "hook": tuple(data["hook"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One tunnel as ``.alfred/tunnels.json`` has it. No secret is in it.

    ``pid`` and ``identity``: the process behind it; ``children``: what that one started;
    ``broken``: which side is ill (``service``, ``front``, ``provider``), empty for none;
    ``mount``: the path below which it lies on the URL of another tunnel, ``owner``.
    """

    name: str
    service: str
    provider: str
    protected_by: str
    opened_at: float
    expires_at: float
    state: State = State.OPENING
    url: str = ""
    where: str = ""
    path: str = ""
    port: int = 0
    pid: int = 0
    identity: str = ""
    children: Mapping[str, str] = field(default_factory=dict)
    detached: bool = False
    owner: str = ""
    mount: str = ""
    healthy: bool = False
    broken: str = ""
    detail: str = ""
    warning: str = ""
    spec: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Record:
        """Read one entry; what a newer version wrote besides is ignored. Raises TypeError."""
        known = {k: v for k, v in data.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "state": State(known.get("state", State.OPENING))})


def error_data(error: TunnelError) -> dict[str, Any]:
    """Return an error as a record keeps it."""
    return {"code": error.code, "what": error.what, "cause": error.cause, "fix": list(error.fix)}


def error_of(data: Mapping[str, Any]) -> TunnelError:
    """Return the error that a record keeps."""
    return TunnelError(data["code"], data["what"], cause=data["cause"], fix=data["fix"])
