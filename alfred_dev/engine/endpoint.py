"""Which engine is meant: DOCKER_HOST, else DOCKER_CONTEXT, else the context of the docker command.

The same order as the docker command itself has, so that both always speak to the same engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alfred_dev.errors import UsageError

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
DEFAULT = "default"
VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an engine listens. ``context``: its name, empty when DOCKER_HOST names the place;
    ``tls``: folder with ca.pem, cert.pem and key.pem, empty without."""

    url: str
    context: str = ""
    tls: str = ""

    @property
    def socket(self) -> str:
        """The path of its unix socket, empty when it is reached in another way."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else ""

    @property
    def on_this_machine(self) -> bool:
        """Whether ports that it publishes can be ports of this machine."""
        parts = urlsplit(self.url)
        return parts.scheme in ("unix", "npipe", "fd") or parts.hostname in _LOCAL_HOSTS

    @property
    def variables(self) -> dict[str, str]:
        """What tells the docker command to use this engine, whatever the shell says."""
        if self.context and self.context != DEFAULT:
            return {"DOCKER_CONTEXT": self.context}
        found = {"DOCKER_HOST": self.url}
        return (
            {**found, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": self.tls} if self.tls else found
        )


def find(environ: Mapping[str, str], home: Path) -> Endpoint:
    """Return the engine that the docker command would use. Raises UsageError for no context."""
    if url := environ.get("DOCKER_HOST", ""):
        tls = environ.get("DOCKER_CERT_PATH", "") or str(home / ".docker")
        return Endpoint(url=url, tls=tls if environ.get("DOCKER_TLS_VERIFY") else "")
    folder = Path(environ.get("DOCKER_CONFIG", "") or home / ".docker")
    name = environ.get("DOCKER_CONTEXT", "") or _read(folder / "config.json").get("currentContext")
    if not name or name == DEFAULT:
        return Endpoint(url=DEFAULT_SOCKET, context=DEFAULT)
    return _of_context(str(name), folder / "contexts")


def _of_context(name: str, contexts: Path) -> Endpoint:
    digest = hashlib.sha256(name.encode()).hexdigest()
    found = _read(contexts / "meta" / digest / "meta.json")
    try:
        url = str(found["Endpoints"]["docker"]["Host"])
    except (KeyError, TypeError):
        raise UsageError(
            "no-context",
            f"the Docker context {name} cannot be used",
            cause=f"{contexts} has nothing of that name",
            fix=["docker context ls", "docker context use default"],
        ) from None
    tls = contexts / "tls" / digest / "docker"
    return Endpoint(url=url, context=name, tls=str(tls) if tls.is_dir() else "")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):  # not there, or not JSON: the docker command says so itself
        return {}
    return found if isinstance(found, dict) else {}
