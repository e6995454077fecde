"""Log lines: what the supervisor stamped, parsed, merged and filtered. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from alfred_dev.errors import UsageError

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z ")
_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


BEFORE = timedelta(seconds=30)  # as long as a few starts take, one after the other


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


def last_of_each(lines: Iterable[Line], tail: int | None) -> list[Line]:
    """Return at most the last ``tail`` lines of each service; all without a number."""
    every = list(lines)
    if tail is None:
        return every
    left: dict[str, int] = {}
    kept = []
    for line in reversed(every):
        left[line.service] = left.get(line.service, tail) - 1
        if left[line.service] >= 0:
            kept.append(line)
    return kept[::-1]


class Level(StrEnum):
    """How grave a line is, in the order of gravity."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_ORDER = tuple(Level)
_NAMED = {
    "trace": Level.DEBUG, "debug": Level.DEBUG, "info": Level.INFO, "notice": Level.INFO,
    "log": Level.INFO, "warn": Level.WARNING, "warning": Level.WARNING, "error": Level.ERROR,
    "err": Level.ERROR, "critical": Level.ERROR, "fatal": Level.ERROR, "panic": Level.ERROR,
    "crit": Level.ERROR, "alert": Level.ERROR,
}  # fmt: skip
# A level is a field, stands in brackets, before a colon, or in capitals: not any word "error".
_WORDS = "|".join(_NAMED)
_LEVEL = re.compile(
    rf"""(?i:["']?\b(?:level|severity|lvl)["']?\s*[=:]\s*["']?({_WORDS})\b)"""
    rf"|(?i:[\[<(]({_WORDS})[\]>)])|\b((?i:{_WORDS})):\s|\b({_WORDS.upper()})\b"
)
_REQUEST = re.compile(r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ (\d{3})\b")


def level_of(message: str) -> Level:
    """Return how grave a line says that it is; a request by its status; else it informs."""
    if request := _REQUEST.match(message):
        status = int(request[1])
        return Level.ERROR if status >= 500 else Level.WARNING if status >= 400 else Level.INFO
    found = _LEVEL.search(message)
    name = next((word for word in found.groups() if word), "info") if found else "info"
    return _NAMED[name.lower()]


def chosen(
    lines: Iterable[Line], *, level: Level | None = None, text: str | None = None
) -> Iterator[Line]:
    """Yield the lines that are as grave as ``level``, or more, and hold ``text`` in any case."""
    least = _ORDER.index(level) if level else 0
    words = (text or "").casefold()
    for line in lines:
        grave = not least or _ORDER.index(level_of(line.message)) >= least
        if grave and words in line.message.casefold():
            yield line


def since_start(lines: Iterable[Line], begin: datetime, *, again: bool) -> list[Line]:
    """Return what was said since a start at ``begin``.

    ``again``: it was started anew after it had ended; where it has said nothing yet, what it said
    the time before still tells why it ends.
    """
    said = list(lines)
    now = _since(said, begin)
    return _since(said, begin - BEFORE) if again and not now else now


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
