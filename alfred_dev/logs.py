"""Log lines: what the supervisor stamped, parsed, merged and filtered. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alfred_dev.errors import UsageError

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z ")
_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line of one service."""

    at: datetime
    service: str
    message: str


def parse(service: str, text: str, *, after: datetime = _EPOCH) -> Iterator[Line]:
    """Yield the lines of a log. A line without a stamp belongs to the one before it."""
    at = after
    for raw in text.splitlines():
        match = _STAMP.match(raw)
        if match:
            at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        yield Line(at, service, raw[match.end() :] if match else raw)


def merged(
    texts: Mapping[str, str], *, since: datetime | None = None, tail: int | None = None
) -> list[Line]:
    """Return the lines of several logs by time; ``tail``: at most that many of each."""
    parsed = [_last(_since(parse(name, text), since), tail) for name, text in texts.items()]
    return list(heapq.merge(*parsed, key=lambda line: line.at))


def _since(lines: Iterable[Line], since: datetime | None) -> list[Line]:
    return [line for line in lines if since is None or line.at >= since]


def _last(lines: list[Line], count: int | None) -> list[Line]:
    return lines if count is None else lines[len(lines) - min(count, len(lines)) :]


def parse_since(text: str, now: datetime) -> datetime:
    """Read ``10m``, ``2h30m``, ``1d`` or a time of day or date in ISO form. Raises UsageError."""
    match = _DURATION.fullmatch(text)
    if text and match:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return now - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "usage",
            f"--since {text} is not understood",
            cause="expected a duration like 10m or 2h30m, or a time like 2026-01-31T14:00:00",
            fix=["alfred-dev logs --since 10m"],
        ) from error
    return moment.astimezone(UTC)
