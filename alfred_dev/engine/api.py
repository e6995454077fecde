"""The engine's API: asked directly over its unix socket, else through the ``docker`` SDK.

Importing the SDK takes longer than the question, so it is left to engines that are reached by
TCP, TLS or SSH.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from alfred_dev.engine.endpoint import Endpoint
from alfred_dev.errors import MachineError

TIMEOUT_S = 10.0
MISSING = 404


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class EngineAnswerError(Exception):
    """The engine said no. ``status``: its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Engine:
    """Questions to one engine. Each raises MachineError when it does not answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._kept: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()

    def answers(self) -> bool:
        """Tell whether there is an engine."""
        try:
            self.get("/_ping")
        except (MachineError, EngineAnswerError):
            return False
        return True

    def close(self) -> None:
        """Close the connection that is kept; the next question opens another."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def get(self, path: str, **query: object) -> Any:
        """Return the answer to one question, JSON decoded. Raises EngineAnswerError for a no."""
        if not self.endpoint.socket:
            return self._through_sdk(path, query)
        with _as_machine_error(self.endpoint):
            status, data = self._ask(_target(path, query))
        return _decoded(status, data)

    def _ask(self, target: str) -> tuple[int, bytes]:
        with self._lock:  # nobody else may ask on it meanwhile
            kept, self._kept = self._kept, None
        if kept is not None:  # the engine may have closed it meanwhile: then asked anew
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._on(kept, target)
        return self._on(_UnixConnection(self.endpoint.socket, TIMEOUT_S), target)

    def _on(self, connection: http.client.HTTPConnection, target: str) -> tuple[int, bytes]:
        connection.request("GET", target)
        answer = connection.getresponse()
        result = answer.status, answer.read()
        self._kept = connection
        return result

    def lines(self, path: str, **query: object) -> list[Any]:
        """Return an answer that is one JSON document a line."""
        data = b"".join(self.stream(path, **query))
        return [json.loads(line) for line in data.splitlines() if line.strip()]

    def stream(self, path: str, **query: object) -> Iterator[bytes]:
        """Yield the bytes of an answer as they come, for ever when it is followed."""
        if not self.endpoint.socket:
            yield from self._stream_through_sdk(path, query)
            return
        connection = _UnixConnection(self.endpoint.socket, None)
        with _as_machine_error(self.endpoint), contextlib.closing(connection):
            connection.request("GET", _target(path, query))
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                _decoded(answer.status, answer.read())
            while chunk := answer.read1(65_536):
                yield chunk

    def _through_sdk(self, path: str, query: Mapping[str, object]) -> Any:
        answer = self._sdk_get(path, query, stream=False)
        return _decoded(answer.status_code, answer.content)

    def _stream_through_sdk(self, path: str, query: Mapping[str, object]) -> Iterator[bytes]:
        yield from self._sdk_get(path, query, stream=True).iter_content(None)

    def _sdk_get(self, path: str, query: Mapping[str, object], *, stream: bool) -> Any:
        import docker  # 140 ms that a unix socket does not need
        import requests

        tls: Any = False
        try:
            if folder := self.endpoint.tls:
                pair = (f"{folder}/cert.pem", f"{folder}/key.pem")
                tls = docker.tls.TLSConfig(
                    client_cert=pair, ca_cert=f"{folder}/ca.pem", verify=True
                )
            client = docker.APIClient(
                base_url=self.endpoint.url, tls=tls, timeout=int(TIMEOUT_S), version="1.41"
            )
            return client.get(f"{client.base_url}{_target(path, query)}", stream=stream)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            raise down(self.endpoint, str(error)) from error


def _target(path: str, query: Mapping[str, object]) -> str:
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()}
    return f"{path}?{urlencode(texts)}" if texts else path


def _decoded(status: int, data: bytes) -> Any:
    text = data.decode(errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    if status >= http.client.BAD_REQUEST:
        message = found.get("message", text) if isinstance(found, dict) else text
        raise EngineAnswerError(status, str(message).strip())
    return found


@contextlib.contextmanager
def _as_machine_error(endpoint: Endpoint) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise down(endpoint, getattr(error, "strerror", None) or str(error)) from error


def down(endpoint: Endpoint, said: str) -> MachineError:
    """Say that the engine does not answer, and both ways on."""
    start = "sudo systemctl start docker   (or: sudo service docker start; or start Docker Desktop)"
    denied = "permission" in said.lower()
    return MachineError(
        "engine-denied" if denied else "engine-down",
        "the Docker engine may not be asked" if denied else "the Docker engine does not answer",
        cause=f"{endpoint.url}: {said}",
        fix=[
            'sudo usermod -aG docker "$USER"   (as good as root), then log in again'
            if denied
            else start,
            "or use local processes, which have data of their own: alfred-dev up --runtime process",
        ],
    )
