"""Who ended a container: its exit code does not tell, the engine's latest events do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alfred_dev.engine.api import Engine, EngineAnswerError
from alfred_dev.runtime.containers import STOPPED, instant

BEFORE_S, AFTER_S = 30.0, 0.5  # around its end; the engine waits until that is over
KILL = "9"

Event = Mapping[str, Any]


def ended_by(engine: Engine, inspected: Mapping[str, Any]) -> str:
    """Return STOPPED where somebody stopped the container in order, else ""; the engine remembers
    a few minutes."""
    at = instant(str(inspected["State"].get("FinishedAt", "")))
    asked = {"container": [str(inspected["Id"])], "event": ["kill", "die"]}
    try:
        found = engine.lines(
            "/events", since=f"{at - BEFORE_S:.3f}", until=f"{at + AFTER_S:.3f}", filters=asked
        )
    except EngineAnswerError:
        return ""
    return STOPPED if in_order(found) else ""


def in_order(events: Iterable[Event]) -> bool:
    """Tell whether the last end was one by a signal that asks: a stop kills only thereafter. Pure.

    An end that nobody asked the engine for has no such event before it.
    """
    asked: list[str] = []
    last: list[str] = []
    for event in sorted(events, key=lambda e: int(e.get("timeNano", 0))):
        if event.get("Action") == "kill":
            asked.append(str(event["Actor"]["Attributes"].get("signal", "")))
        else:
            last, asked = asked, []
    return bool(last) and last[0] != KILL
