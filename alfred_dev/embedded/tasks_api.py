"""The part ``tasks``: store tasks in Postgres, and tell what became of them."""

from __future__ import annotations

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alfred_dev.embedded.answers import RequestError, body_of
from alfred_dev.embedded.pages import Page
from alfred_dev.embedded.parts import Part, Shared
from alfred_dev.embedded.tasks import asked_by, limit_of


def part(shared: Shared) -> Part:
    """Return what a service that takes tasks answers. Raises SpecError without a database."""
    shared.require_database()

    async def create(request: Request) -> Response:
        task = await shared.store.add(*asked_by(await body_of(request)))
        for tell in shared.on_task:
            tell(task)
        headers = {"location": f"/v1/tasks/{task.id}"}
        return JSONResponse(task.as_json(), status_code=201, headers=headers)

    async def latest(request: Request) -> Response:
        tasks = await shared.store.latest(limit_of(request.query_params.get("limit")))
        return JSONResponse({"tasks": [task.as_json() for task in tasks]})

    async def get(request: Request) -> Response:
        task_id = _uuid(request.path_params["id"])
        story = await shared.store.story(task_id) if task_id else None
        if story is None:
            raise RequestError(404, "no-such-task", "there is no task with this id")
        return JSONResponse(story.as_json())

    return Part(
        pages=[
            Page("POST", "/v1/tasks", 'store a task: {"title": "..."}', create),
            Page("GET", "/v1/tasks", "the newest tasks; ?limit=N", latest),
            Page("GET", "/v1/tasks/{id}", "one task, with every hop it took", get),
        ]
    )


def _uuid(text: str) -> uuid.UUID | None:
    """Return the id that ``text`` is in the usual form; what is none is nobody's id."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
