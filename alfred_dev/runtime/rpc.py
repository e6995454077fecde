"""XML-RPC to supervisord over its unix socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client  # noqa: S411 - the peer is our own supervisord, behind a 0700 folder
from pathlib import Path
from typing import Any

TIMEOUT_S = 5.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self.path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        del host  # the address is the socket's path
        return _UnixConnection(str(self.path))


class Supervisor:
    """The calls we make. Each raises OSError when nobody answers, xmlrpc.client.Fault for a no."""

    def __init__(self, path: Path) -> None:
        self._server = xmlrpc.client.ServerProxy("http://localhost", _UnixTransport(path))

    def processes(self) -> list[dict[str, Any]]:
        """Return supervisor's record of every program."""
        result: Any = self._server.supervisor.getAllProcessInfo()
        return list(result)

    def call_all(self, method: str, names: list[str], *extra: object) -> list[Any]:
        """Call one method for many programs in one round trip; faults come back as values."""
        calls = [{"methodName": f"supervisor.{method}", "params": [name, *extra]} for name in names]
        result: Any = self._server.system.multicall(calls)
        return list(result)

    def reload(self) -> None:
        """Take over added, changed and removed programs of the configuration file."""
        result: Any = self._server.supervisor.reloadConfig()
        added, changed, removed = result[0]
        for name in (*changed, *removed):
            self._server.supervisor.stopProcessGroup(name)
            self._server.supervisor.removeProcessGroup(name)
        for name in (*added, *changed):
            self._server.supervisor.addProcessGroup(name)

    def pid(self) -> int:
        """Return supervisord's process id."""
        result: Any = self._server.supervisor.getPID()
        return int(result)

    def shutdown(self) -> None:
        """End supervisord."""
        self._server.supervisor.shutdown()
