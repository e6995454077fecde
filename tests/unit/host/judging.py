"""Made-up listeners, and what is judged of them."""

from __future__ import annotations

from typing import Any

from alfred_dev.host.listeners import Conflict, Listener, conflicts


def listener(port: int, address: str = "127.0.0.1", **fields: Any) -> Listener:
    known: dict[str, Any] = {
        "pid": 812, "program": "server", "command": "/bin/server -p", "uid": 1000, "user": "alice"
    }  # fmt: skip
    return Listener(address=address, port=port, **(known | fields))


def hidden(port: int, address: str = "127.0.0.1", *, user: str = "root") -> Listener:
    return listener(port, address, pid=None, program="", command="", uid=0, user=user)


def judged(*found: Listener, own_pids: tuple[int, ...] = ()) -> list[Conflict]:
    ports = {15432: "db-postgres", 16379: "redis"}
    return conflicts(ports, found, own_pids=own_pids, platform="linux")
