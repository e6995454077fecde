"""Tasks, the part of the platform's API that stand-ins play: what one is, and what is none."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alfred_dev.embedded.answers import RequestError

TITLE_LIMIT = 500  # characters
LIST_LIMIT = 100  # tasks in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. ``service``: the stand-in that took it; ``created_at``: with a time zone.

    ``fail``: the service whose work shall fail, to see what happens then; empty for none;
    ``error``: why it did not go on somewhere, the latest reason.
    """

    id: uuid.UUID
    title: str
    status: str
    service: str
    created_at: datetime
    fail: str = ""
    error: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the task as the API tells it."""
        return {
            "id": str(self.id),
            "title": self.title,
            "status": self.status,
            "created_at": self.created_at.isoformat(),
            "service": self.service,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a task through the platform.

    ``service`` did it, with ``peer``; ``at``: when it was done; ``ms``: how long it took.
    """

    hop: str
    service: str
    peer: str
    at: datetime
    ms: float

    def as_json(self) -> dict[str, Any]:
        """Return the hop as the API tells it."""
        return {
            "hop": self.hop,
            "service": self.service,
            "peer": self.peer,
            "at": self.at.isoformat(),
            "ms": round(self.ms, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A task with all that happened to it. ``results``: by service."""

    task: Task
    hops: tuple[Hop, ...]
    results: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the whole as the API tells it."""
        hops = [hop.as_json() for hop in self.hops]
        told = {**self.task.as_json(), "hops": hops, "results": dict(self.results)}
        return {**told, "error": self.task.error} if self.task.error else told


def asked_by(body: bytes) -> tuple[str, str]:
    """Return the title that a request's JSON body asks for, and who shall fail.

    Raises RequestError.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(400, "bad-json", "the body is not JSON") from None
    fail = document.get("fail", "") if isinstance(document, dict) else ""
    if not isinstance(fail, str) or not re.fullmatch(r"[a-z0-9-]{0,63}", fail):
        raise RequestError(422, "bad-fail", "fail is the id of a service")
    return _title(document), fail


def _title(document: object) -> str:
    title = document.get("title") if isinstance(document, dict) else None
    if not isinstance(title, str):
        raise RequestError(422, "bad-title", 'expected {"title": "some text"}')
    if not title.strip():
        raise RequestError(422, "bad-title", "the title is empty")
    if len(title) > TITLE_LIMIT:
        raise RequestError(422, "bad-title", f"the title has more than {TITLE_LIMIT} characters")
    if "\0" in title or any("\ud800" <= c <= "\udfff" for c in title):
        raise RequestError(422, "bad-title", "the title holds characters that no text may hold")
    return title


def limit_of(text: str | None) -> int:
    """Return how many tasks to list. Raises RequestError."""
    if text is None:
        return LIST_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise RequestError(422, "bad-limit", "limit is a whole number above 0")
    return min(int(text), LIST_LIMIT)
