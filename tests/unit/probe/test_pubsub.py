from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alfred_dev.catalog.model import ProbeKind
from alfred_dev.probe.base import Reason
from tests.unit.probe.asking import ask
from tests.unit.probe.strangers import application

PUBSUB = ProbeKind.PUBSUB


def emulator(root: Response, topics: Response) -> Starlette:
    """Return an emulator of the project "p" alone."""

    async def answer_root(_: Request) -> Response:
        return root

    async def answer_topics(_: Request) -> Response:
        return topics

    return Starlette(
        routes=[Route("/", answer_root), Route("/v1/projects/p/topics", answer_topics)]
    )


OK = PlainTextResponse("Ok\n")
MANY = JSONResponse({"topics": [{"name": f"projects/p/topics/{n}"} for n in range(1000)]})


@pytest.mark.parametrize("topics", [JSONResponse({}), JSONResponse({"topics": []}), MANY])
def test_an_emulator_that_lists_topics_is_well(topics: Response) -> None:
    with application(emulator(OK, topics)) as port:
        result = ask(PUBSUB, port)

    assert result.ok
    assert result.detail == "lists topics"


@pytest.mark.parametrize(
    ("root", "topics", "reason", "detail"),
    [
        (
            PlainTextResponse("hello"),
            JSONResponse({}),
            Reason.PROTOCOL,
            "is no Pub/Sub emulator: GET / answers 'hello'",
        ),
        (
            JSONResponse({"detail": "disk"}, status_code=500),
            JSONResponse({}),
            Reason.STATUS,
            "answers 500 Internal Server Error: disk",
        ),
        (OK, JSONResponse({}, status_code=503), Reason.STATUS, "answers 503 Service Unavailable"),
        (
            OK,
            PlainTextResponse("[]"),
            Reason.PROTOCOL,
            "is no Pub/Sub emulator: its topics are '[]'",
        ),
        (OK, PlainTextResponse("<h1>"), Reason.PROTOCOL, None),
        (OK, PlainTextResponse("[" * 3000), Reason.PROTOCOL, None),
        (OK, PlainTextResponse("[" * 9000), Reason.PROTOCOL, None),
    ],
)
def test_anything_else_is_not(
    root: Response, topics: Response, reason: Reason, detail: str | None
) -> None:
    with application(emulator(root, topics)) as port:
        result = ask(PUBSUB, port)

    assert result.reason is reason
    assert detail in (None, result.detail)


def test_the_topics_of_our_own_project_are_asked_for() -> None:
    with application(emulator(OK, JSONResponse({}))) as port:
        assert ask(PUBSUB, port, project="other").detail == "answers 404 Not Found"
        assert ask(PUBSUB, port, project="../p").reason is Reason.STATUS
