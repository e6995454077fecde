"""Tunnels, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from alfred_dev.report.json import Document, schema
from alfred_dev.tunnel.model import Record, State


def listed(records: Iterable[Record]) -> Document:
    """Return the tunnels as a document."""
    return {"schema": schema("tunnel-list"), "tunnels": rows(records)}


def rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return a row a tunnel."""
    return [
        {
            "name": r.name,
            "service": r.service,
            "url": r.url + r.path if r.url else "",
            "where": r.where,
            "provider": r.provider,
            "protected_by": r.protected_by,
            "path": r.path,
            "opened_at": stamp(r.opened_at),
            "expires_at": stamp(r.expires_at),
            "state": r.state,
            "healthy": r.healthy,
            "broken": r.broken,
            "detail": r.detail,
            "warning": r.warning,
            "detached": r.detached,
            "pid": r.pid or None,
            "shares": r.owner or None,
        }
        for r in records
    ]


def opened(record: Record, *, user: str, password: str, told: Mapping[str, str]) -> Document:
    """Return a tunnel that has just opened. The password is shown here and nowhere else."""
    [row] = rows([record])
    found = {"schema": schema("tunnel-open"), "ok": True, **row, "environment": dict(told)}
    return {**found, "user": user, "password": password} if user else found


def stamp(at: float) -> str:
    """Return a time as JSON has it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lines(records: Iterable[Record], *, now: float) -> list[str]:
    """Return each tunnel in a line or two."""
    found = []
    for r in records:
        health = "healthy" if r.healthy else _ill(r)
        url = (r.url + r.path if r.url else "(no URL yet)") + (f" on {r.where}" if r.where else "")
        found.append(f"{r.name}  {url}  {r.provider}, {r.protected_by}, {left(r, now)}, {health}")
        if r.warning:
            found.append(f"  warning: {r.warning}")
    return found


def opening(record: Record, *, user: str, password: str, told: Mapping[str, str]) -> list[str]:
    """Return what is said of a tunnel that has just opened."""
    where = f" on {record.where}" if record.where else ""
    found = [f"{record.url}{record.path}{where} shows {record.service}"]
    if user:
        found.append(f"user {user}, password {password}   (shown this once)")
    else:
        found.append(f"protected by: {record.protected_by}")
    if record.where:
        port = record.url.rpartition(":")[2]
        found.append(
            f"only {record.where} itself has this URL; its web server may pass it on: "
            f"caddy reverse-proxy --from NAME --to 127.0.0.1:{port}   (then --domain NAME)"
        )
    if record.warning:
        found.append(f"warning: {record.warning}")
    if record.broken:
        found.append(f"warning: {_ill(record)}")
    found.append(f"{' '.join(sorted(told))} in: alfred-dev env")
    ends = "alfred-dev tunnel close" if record.detached else "Ctrl-C"
    return [*found, f"{left(record, record.opened_at)}; {ends} closes it"]


def _ill(record: Record) -> str:
    if record.state is State.OPENING:
        return "opening"
    side = {
        "service": f"{record.service} is ill",
        "provider": f"{record.provider} is ill",
        "front": "its front is ill",
    }.get(record.broken, "ill")
    return f"{side}: {record.detail}" if record.detail else side


def left(record: Record, now: float) -> str:
    """Return how long a tunnel is still open."""
    seconds = max(0, math.ceil(record.expires_at - now))
    hours, minutes = divmod(round(seconds / 60) if seconds >= 60 else 0, 60)
    if hours:
        return f"{hours} h {minutes} min left"
    return f"{minutes} min left" if minutes else f"{seconds} s left"
