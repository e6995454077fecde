"""The routes of the tasks API."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alfred_dev.embedded.answers import RequestError, body_of
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.tasks import limit_of, title_of

if TYPE_CHECKING:
    from alfred_dev.embedded.task_store import TaskStore


def pages(store: Callable[[], TaskStore]) -> list[Page]:
    """Return what a service that takes tasks answers. ``store``: called for every request."""

    async def create(request: Request) -> Response:
        task = await store().add(title_of(await body_of(request)))
        headers = {"location": f"/v1/tasks/{task.id}"}
        return JSONResponse(task.as_json(), status_code=201, headers=headers)

    async def latest(request: Request) -> Response:
        tasks = await store().latest(limit_of(request.query_params.get("limit")))
        return JSONResponse({"tasks": [task.as_json() for task in tasks]})

    async def get(request: Request) -> Response:
        task_id = _uuid(request.path_params["id"])
        task = await store().get(task_id) if task_id else None
        if task is None:
            raise RequestError(404, "no-such-task", "there is no task with this id")
        return JSONResponse(task.as_json())

    return [
        Page("POST", "/v1/tasks", 'store a task: {"title": "..."}', create),
        Page("GET", "/v1/tasks", "the newest tasks; ?limit=N", latest),
        Page("GET", "/v1/tasks/{id}", "one task", get),
    ]


def _uuid(text: str) -> uuid.UUID | None:
    """Return the id that ``text`` is in the usual form; what is none is nobody's id."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
