"""Which side of a tunnel is ill. Pure: over what probes said, and over tunnels.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alfred_dev.tunnel.base import Reached
from alfred_dev.tunnel.model import Record, State

SERVICE, FRONT, PROVIDER = "service", "front", "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``broken``: the side that is ill, empty for none; ``code``: the provider's own."""

    broken: str = ""
    detail: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One tunnel that is ill, for people. ``fix``: what to type."""

    name: str
    broken: str
    detail: str
    fix: str


def judge(local: Mapping[str, object], public: Reached) -> Verdict:
    """Judge a tunnel by its service, asked here, and by its front, asked through the world."""
    if not local.get("ok"):
        return Verdict(broken=SERVICE, detail=str(local.get("detail", "")))
    if not public.asked:
        return Verdict(detail=public.detail)
    if not public.body:
        return Verdict(broken=PROVIDER, detail=public.detail, code=public.code)
    try:
        said = json.loads(public.body)
    except ValueError:
        said = {}
    if not isinstance(said, dict) or said.get("tunnel") != local.get("tunnel"):
        return Verdict(broken=FRONT, detail="another front answers on this URL")
    return Verdict()


def troubles(records: Iterable[Record], alive: Iterable[str], *, now: float) -> tuple[Trouble, ...]:
    """Return every tunnel that is ill. ``alive``: names whose process runs."""
    running = set(alive)
    found = (_trouble(record, record.name in running, now) for record in records)
    return tuple(trouble for trouble in found if trouble is not None)


def _trouble(record: Record, running: bool, now: float) -> Trouble | None:
    name = record.name
    close = f"alfred-dev tunnel close {name}"
    if record.state is State.FAILED or (record.state is State.OPENING and running):
        return None
    if not running or now >= record.expires_at:
        detail = "its process was killed" if not running else "its time is over"
        return Trouble(name=name, broken=FRONT, detail=detail, fix=close)
    if not record.broken:
        return None
    fixes = {
        SERVICE: f"alfred-dev up {record.service}",
        PROVIDER: "alfred-dev tunnel test",
        FRONT: close,
    }
    fix = fixes.get(record.broken, close)
    return Trouble(name=name, broken=record.broken, detail=record.detail, fix=fix)
