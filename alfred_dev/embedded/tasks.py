"""Tasks, the part of the platform's API that stand-ins play: what one is, and what is none."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from alfred_dev.embedded.answers import RequestError

TITLE_LIMIT = 500  # characters
LIST_LIMIT = 100  # tasks in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. ``service``: the stand-in that took it; ``created_at``: with a time zone."""

    id: uuid.UUID
    title: str
    status: str
    service: str
    created_at: datetime

    def as_json(self) -> dict[str, str]:
        """Return the task as the API tells it."""
        return {
            "id": str(self.id),
            "title": self.title,
            "status": self.status,
            "created_at": self.created_at.isoformat(),
            "service": self.service,
        }


def title_of(body: bytes) -> str:
    """Return the title that a request's JSON body asks for. Raises RequestError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(400, "bad-json", "the body is not JSON") from None
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
